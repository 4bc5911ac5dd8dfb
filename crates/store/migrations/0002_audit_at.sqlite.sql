-- The audit's retention goes by each record's instant. Numbers do not tell it: a clock that was ahead for a while leaves
-- records dated in the future before records that are not.
CREATE INDEX audit_at ON audit (at);
