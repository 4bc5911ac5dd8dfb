//! Every statement that a verb sends is one that the server accepts, and finds its rows by an index: what it costs does not grow with the
//! tables.

use portvakt_cluster::shared;
use portvakt_store::statements;
use serde_json::Value;

use crate::world::Database;

#[tokio::test]
async fn no_statement_scans_a_table() {
    let server = shared().unwrap();
    let database = Database::made().await;
    let mut scans = Vec::new();
    let all = statements();
    for (at, (name, sql)) in all.iter().enumerate() {
        let parameters = (1..64).take_while(|number| sql.contains(&format!("${number}"))).count();
        let nothing = vec!["NULL"; parameters].join(", ");
        let values = if parameters == 0 { String::new() } else { format!("({nothing})") };
        // A small table would be read whole whatever its indexes; a plan that has no other way still says so.
        let script = format!(
            "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE statement_{at} AS {sql};
             EXPLAIN (FORMAT JSON) EXECUTE statement_{at}{values};"
        );
        let told = server.sql(database.name(), &script).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let plan: Value =
            serde_json::from_str(&told).unwrap_or_else(|fault| panic!("{name}: {fault}: {told}"));
        scanned(&plan, &mut |relation| scans.push(format!("{name} reads all of {relation}")));
    }
    assert!(all.len() > 40, "the chapters' lists are what is planned");
    assert_eq!(scans, Vec::<String>::new());
}

#[tokio::test]
async fn a_statement_without_an_index_is_found_out() {
    let server = shared().unwrap();
    let database = Database::made().await;
    for sql in ["SELECT 1 FROM login WHERE client_id = 'a'", "SELECT count(*) FROM code", "DELETE FROM audit"]
    {
        let script = format!("SET enable_seqscan = off; EXPLAIN (FORMAT JSON) {sql};");
        let plan = serde_json::from_str(&server.sql(database.name(), &script).unwrap()).unwrap();
        let mut scans = 0;
        scanned(&plan, &mut |_| scans += 1);
        assert!(scans > 0, "{sql}");
    }
}

/// Calls `found` for each table that a plan reads without an index's condition.
fn scanned(plan: &Value, found: &mut impl FnMut(&str)) {
    if let Some(list) = plan.as_array() {
        list.iter().for_each(|one| scanned(one, found));
    }
    if let Some(inner) = plan.get("Plan") {
        scanned(inner, found);
    }
    let Some(kind) = plan.get("Node Type").and_then(Value::as_str) else { return };
    let relation = plan.get("Relation Name").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "Seq Scan" => found(relation),
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" if plan.get("Index Cond").is_none() => {
            found(relation);
        }
        _ => {}
    }
    if let Some(below) = plan.get("Plans") {
        scanned(below, found);
    }
}
