package com.example;

import java.util.Objects;

/** What a scene expects; it ends where that is not so. */
final class Expect {

    private Expect() {}

    static void that(boolean so, String otherwise) {
        if (!so) {
            throw new AssertionError(otherwise);
        }
    }

    static void equal(Object expected, Object found, String what) {
        that(Objects.equals(expected, found), what + ": expected " + expected + ", found " + found);
    }

    /** What may fail. */
    interface Attempt {
        void run() throws Exception;
    }

    /** That an attempt fails in this way. */
    static <E extends Exception> E refusal(Class<E> kind, Attempt attempt) throws Exception {
        try {
            attempt.run();
        } catch (Exception refused) {
            if (kind.isInstance(refused)) {
                return kind.cast(refused);
            }
            throw refused;
        }
        throw new AssertionError("not refused with " + kind.getSimpleName());
    }
}
