/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SQLite file, for state that outlives a run. What is acknowledged is on the disk (write-ahead
 * log, synchronous=FULL). Later writes share a transaction, which the next store_tick() commits: a
 * disk takes its time for each. A file that is not ours is never written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/heap.h"
#include "store/backend.h"

#define APPLICATION 0x53545257 /* "STRW", in the header of the file: this file is ours */
#define SCHEMA      1          /* user_version */
#define BUSY_MS     1000       /* that another process may take to write */

static const char TABLES[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE entry(key BLOB PRIMARY KEY, value BLOB NOT NULL, expires INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE counter(key BLOB, field BLOB, total INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " PRIMARY KEY(key, field)) WITHOUT ROWID;"
    "CREATE TABLE flush(id BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX entry_expires ON entry(expires) WHERE expires <> 0;"
    "CREATE INDEX counter_expires ON counter(expires) WHERE expires <> 0;"
    "CREATE INDEX flush_expires ON flush(expires);"
    "PRAGMA application_id=1398035031;"
    "PRAGMA user_version=1;"
    "COMMIT";
_Static_assert(APPLICATION == 1398035031 && SCHEMA == 1, "as the tables are made");

enum text {
    GET,
    PUT,
    REMOVE,
    SCAN,
    KNOWN,
    FLUSH,
    TOTAL,
    SUM,
    TOTALS,
    COUNTERS,
    CLEAR,
    SWEEP_ENTRY,
    SWEEP_COUNTER,
    SWEEP_FLUSH,
    BEGIN,
    COMMIT,
    ROLLBACK,
    TEXT_COUNT
};

/* ?1 is the key where there is one; times are nanoseconds, 0 is never. A sweep takes little at a
 * time. */
static const char *const SQL[] = {
    [GET] = "SELECT value FROM entry WHERE key=?1 AND (expires=0 OR expires>?2)",
    [PUT] = "INSERT INTO entry VALUES(?1,?2,?3) ON CONFLICT(key) DO UPDATE SET"
            " value=excluded.value, expires=excluded.expires",
    [REMOVE] = "DELETE FROM entry WHERE key=?1",
    [SCAN] = "SELECT key,value FROM entry WHERE key>=?1 AND (expires=0 OR expires>?2) ORDER BY key",
    [KNOWN] = "SELECT 1 FROM flush WHERE id=?1 AND expires>?2",
    [FLUSH] = "INSERT OR REPLACE INTO flush VALUES(?1,?2)",
    [TOTAL] = "SELECT total FROM counter WHERE key=?1 AND field=?2 AND (expires=0 OR expires>?3)",
    [SUM] = "INSERT OR REPLACE INTO counter VALUES(?1,?2,?3,?4)",
    [TOTALS] = "SELECT field,total FROM counter WHERE key=?1 AND (expires=0 OR expires>?2)",
    [COUNTERS] = "SELECT DISTINCT key FROM counter WHERE key>=?1 AND (expires=0 OR expires>?2)"
                 " ORDER BY key",
    [CLEAR] = "DELETE FROM counter WHERE key=?1",
    [SWEEP_ENTRY] = "DELETE FROM entry WHERE key IN"
                    " (SELECT key FROM entry WHERE expires<>0 AND expires<=?1 LIMIT 16)",
    [SWEEP_COUNTER] = "DELETE FROM counter WHERE (key,field) IN"
                      " (SELECT key,field FROM counter WHERE expires<>0 AND expires<=?1 LIMIT 16)",
    [SWEEP_FLUSH] = "DELETE FROM flush WHERE id IN"
                    " (SELECT id FROM flush WHERE expires<=?1 LIMIT 16)",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
};
_Static_assert(sizeof(SQL) / sizeof(SQL[0]) == TEXT_COUNT, "a text for each statement");

struct file {
    struct store store;                 /* the common part */
    sqlite3 *db;                        /* the connection */
    sqlite3_stmt *prepared[TEXT_COUNT]; /* by enum text */
    uint64_t batch;                     /* writes in the open transaction */
    nstime now;                         /* the caller's time of the newest write */
};

static struct file *file_of(struct store *s)
{
    return (struct file *)(void *)s;
}

/* --- errors --- */

static enum store_status status_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_OK;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return STORE_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return STORE_REFUSED;
    case SQLITE_CORRUPT:
        return STORE_DAMAGED;
    case SQLITE_NOTADB:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
        return STORE_WRONG;
    default: /* busy, locked, I/O error: may be better the next time */
        return STORE_AWAY;
    }
}

static enum store_status trouble(struct file *f, int code)
{
    return store_trouble(&f->store, status_of(code), "the state file: %s", sqlite3_errmsg(f->db));
}

/* --- statements --- */

static void bind(sqlite3_stmt *s, int at, struct span bytes)
{
    /* an empty blob, not NULL */
    sqlite3_bind_blob(s, at, bytes.n > 0 ? (const void *)bytes.p : "", (int)bytes.n, SQLITE_STATIC);
}

static struct span column(sqlite3_stmt *s, int at)
{
    const void *p = sqlite3_column_blob(s, at);
    int n = sqlite3_column_bytes(s, at);
    return span_of(p, p && n > 0 ? (size_t)n : 0);
}

/* Runs a statement that gives no rows, and makes it ready for the next time. */
static int run(struct file *f, enum text which)
{
    int code = sqlite3_step(f->prepared[which]);

    sqlite3_reset(f->prepared[which]);
    sqlite3_clear_bindings(f->prepared[which]);
    return code;
}

static int finish(sqlite3_stmt *s, int code)
{
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return code;
}

/* --- transactions --- */

static enum store_status begin(struct file *f)
{
    int code = sqlite3_get_autocommit(f->db) ? run(f, BEGIN) : SQLITE_DONE;
    return code == SQLITE_DONE ? STORE_OK : trouble(f, code);
}

/* Nothing of the open transaction was written. */
static void give_up(struct file *f)
{
    f->store.stats.dropped += f->batch;
    f->store.stats.queued = f->batch = 0;
    if (!sqlite3_get_autocommit(f->db))
        run(f, ROLLBACK);
}

/* With what is written goes a little of what has expired. */
static void sweep(struct file *f)
{
    for (enum text which = SWEEP_ENTRY; which <= SWEEP_FLUSH; which++) {
        sqlite3_bind_int64(f->prepared[which], 1, f->now);
        run(f, which);
    }
}

static enum store_status commit(struct file *f)
{
    enum store_status status = STORE_OK;
    int code;

    if (sqlite3_get_autocommit(f->db))
        return STORE_OK;
    sweep(f);
    code = run(f, COMMIT);
    if (code != SQLITE_DONE) {
        status = trouble(f, code);
        give_up(f);
        return status;
    }
    f->store.stats.acknowledged += f->batch;
    f->store.stats.queued = f->batch = 0;
    return status;
}

/* The end of a write: for good, or together with what comes until the next tick. */
static enum store_status written(struct file *f, enum store_status status, bool later)
{
    enum store_status committed;

    if (status != STORE_OK && status != STORE_WRONG) {
        f->batch += later;
        give_up(f);
        return status;
    }
    f->store.stats.queued = ++f->batch;
    if (later)
        return status;
    committed = commit(f);
    return committed == STORE_OK ? status : committed;
}

/* --- values --- */

static enum store_status get_one(struct file *f, struct span key, size_t index, nstime now,
                                 store_got *fn, void *user)
{
    sqlite3_stmt *s = f->prepared[GET];
    int code;

    bind(s, 1, key);
    sqlite3_bind_int64(s, 2, now);
    code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        fn(user, index, STORE_OK, column(s, 0));
    else if (code == SQLITE_DONE)
        fn(user, index, STORE_MISSING, span_of(NULL, 0));
    finish(s, code);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STORE_OK : trouble(f, code);
}

static enum store_status sqlite_get(struct store *s, const struct span *keys, size_t count,
                                    nstime now, store_got *fn, void *user)
{
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < count && status == STORE_OK; i++)
        status = get_one(file_of(s), keys[i], i, now, fn, user);
    return status;
}

static enum store_status sqlite_put(struct store *s, struct span key, struct span value,
                                    nstime expires, nstime now, bool later)
{
    struct file *f = file_of(s);
    enum store_status status = begin(f);
    int code;

    f->now = now;
    if (status == STORE_OK) {
        bind(f->prepared[PUT], 1, key);
        bind(f->prepared[PUT], 2, value);
        sqlite3_bind_int64(f->prepared[PUT], 3, expires);
        code = run(f, PUT);
        status = code == SQLITE_DONE ? STORE_OK : trouble(f, code);
    }
    return written(f, status, later);
}

static enum store_status delete_at(struct file *f, enum text which, struct span key)
{
    enum store_status status = begin(f);
    int code;

    if (status == STORE_OK) {
        bind(f->prepared[which], 1, key);
        code = run(f, which);
        status = code == SQLITE_DONE ? STORE_OK : trouble(f, code);
    }
    return written(f, status, false);
}

static enum store_status sqlite_remove(struct store *s, struct span key)
{
    return delete_at(file_of(s), REMOVE, key);
}

static enum store_status sqlite_clear(struct store *s, struct span key)
{
    return delete_at(file_of(s), CLEAR, key);
}

/* Keys in their order, with the value of the statement's second column, if it has one. */
static enum store_status scan_by(struct file *f, enum text which, struct span prefix, nstime now,
                                 store_each *fn, void *user)
{
    sqlite3_stmt *scan = f->prepared[which];
    bool values = sqlite3_column_count(scan) > 1;
    int code;

    bind(scan, 1, prefix);
    sqlite3_bind_int64(scan, 2, now);
    while ((code = sqlite3_step(scan)) == SQLITE_ROW) {
        struct span key = column(scan, 0);
        bool inside = span_eq(span_first(key, prefix.n), prefix);
        if (!inside || !fn(user, key, values ? column(scan, 1) : span_of(NULL, 0)))
            break;
    }
    finish(scan, code);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STORE_OK : trouble(f, code);
}

static enum store_status sqlite_scan(struct store *s, struct span prefix, nstime now,
                                     store_each *fn, void *user)
{
    return scan_by(file_of(s), SCAN, prefix, now, fn, user);
}

static enum store_status sqlite_scan_counters(struct store *s, struct span prefix, nstime now,
                                              store_each *fn, void *user)
{
    return scan_by(file_of(s), COUNTERS, prefix, now, fn, user);
}

/* --- counters --- */

/* What stands there now; 0 where nothing does. */
static enum store_status total_now(struct file *f, const struct store_delta *d, nstime now,
                                   int64_t *total)
{
    sqlite3_stmt *s = f->prepared[TOTAL];
    int code;

    bind(s, 1, d->key);
    bind(s, 2, d->field);
    sqlite3_bind_int64(s, 3, now);
    code = sqlite3_step(s);
    *total = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    finish(s, code);
    return code == SQLITE_ROW || code == SQLITE_DONE ? STORE_OK : trouble(f, code);
}

static enum store_status add_one(struct file *f, const struct store_delta *d,
                                 const struct store_flush *flush)
{
    int64_t total;
    enum store_status status = total_now(f, d, flush->now, &total);
    sqlite3_stmt *s = f->prepared[SUM];
    int code;

    if (status != STORE_OK)
        return status;
    if (__builtin_add_overflow(total, d->by, &total))
        return store_trouble(&f->store, STORE_WRONG, "a counter would overflow");
    bind(s, 1, d->key);
    bind(s, 2, d->field);
    sqlite3_bind_int64(s, 3, total);
    sqlite3_bind_int64(s, 4, flush->expires);
    code = run(f, SUM);
    return code == SQLITE_DONE ? STORE_OK : trouble(f, code);
}

static enum store_status is_known(struct file *f, const struct store_flush *flush, bool *known)
{
    sqlite3_stmt *s = f->prepared[KNOWN];
    int code;

    bind(s, 1, flush->id);
    sqlite3_bind_int64(s, 2, flush->now);
    code = finish(s, sqlite3_step(s));
    *known = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? STORE_OK : trouble(f, code);
}

static enum store_status add_all(struct file *f, const struct store_flush *flush)
{
    enum store_status status = STORE_OK;
    int code;

    bind(f->prepared[FLUSH], 1, flush->id);
    sqlite3_bind_int64(f->prepared[FLUSH], 2, flush->now + CAP_STORE_FLUSH_S * NS_PER_S);
    code = run(f, FLUSH);
    if (code != SQLITE_DONE)
        return trouble(f, code);
    for (size_t i = 0; i < flush->count; i++) {
        enum store_status one = add_one(f, &flush->deltas[i], flush);
        if (one != STORE_OK && one != STORE_WRONG)
            return one;
        status = one == STORE_WRONG ? one : status;
    }
    return status;
}

static enum store_status sqlite_add(struct store *s, const struct store_flush *flush, bool later)
{
    struct file *f = file_of(s);
    enum store_status status = begin(f);
    bool known = false;

    f->now = flush->now;
    if (status == STORE_OK)
        status = is_known(f, flush, &known);
    if (status == STORE_OK && !known)
        status = add_all(f, flush);
    return written(f, status, later);
}

static enum store_status sqlite_totals(struct store *s, struct span key, nstime now,
                                       store_total *fn, void *user)
{
    struct file *f = file_of(s);
    sqlite3_stmt *q = f->prepared[TOTALS];
    enum store_status status = STORE_MISSING;
    int code;

    bind(q, 1, key);
    sqlite3_bind_int64(q, 2, now);
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        status = STORE_OK;
        if (!fn(user, column(q, 0), sqlite3_column_int64(q, 1)))
            break;
    }
    finish(q, code);
    return code == SQLITE_ROW || code == SQLITE_DONE ? status : trouble(f, code);
}

/* --- the life of the store --- */

static enum store_status sqlite_drain(struct store *s, nstime now, nstime timeout)
{
    (void)now, (void)timeout; /* a disk cannot be told to hurry */
    return commit(file_of(s));
}

/* Commits what came since the last one. */
static enum store_status sqlite_tick(struct store *s, nstime now, nstime budget)
{
    (void)now, (void)budget;
    return commit(file_of(s));
}

static void sqlite_close(struct store *s)
{
    struct file *f = file_of(s);

    if (f->prepared[ROLLBACK])
        give_up(f);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        sqlite3_finalize(f->prepared[i]);
    sqlite3_close(f->db);
    heap_free(f);
}

/* --- opening --- */

static enum store_status refuse(char why[STORE_WHY], enum store_status status, const char *format,
                                ...) __attribute__((format(printf, 3, 4)));

static enum store_status refuse(char why[STORE_WHY], enum store_status status, const char *format,
                                ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, STORE_WHY, format, args);
    va_end(args);
    return status;
}

static enum store_status cannot(char why[STORE_WHY], struct file *f, int code)
{
    enum store_status status = status_of(code);

    if ((code & 0xFF) == SQLITE_NOTADB)
        return refuse(why, STORE_WRONG, "the file is not a state file of stripwatch");
    return refuse(why, status, "the state file cannot be used: %s", sqlite3_errmsg(f->db));
}

/* The number that a statement gives; -1 where it cannot be had, with the code in *code. */
static int64_t ask(struct file *f, const char *sql, int *code)
{
    sqlite3_stmt *s;
    int64_t value = -1;

    *code = sqlite3_prepare_v2(f->db, sql, -1, &s, NULL);
    if (*code != SQLITE_OK)
        return -1;
    *code = sqlite3_step(s);
    if (*code == SQLITE_ROW)
        value = sqlite3_column_int64(s, 0);
    *code = finish(s, *code) == SQLITE_ROW ? SQLITE_OK : *code;
    sqlite3_finalize(s);
    return value;
}

/* SQLite takes a file of a few bytes for an empty one, and would write over them. */
static bool is_database(int fd, off_t size)
{
    static const char MAGIC[16] = "SQLite format 3";
    char head[16];

    return size == 0 || (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
                         memcmp(head, MAGIC, sizeof(head)) == 0);
}

/* SQLite would make the file readable for all; what is in it is nobody's but the operator's. */
static enum store_status make_file(const char *path, char why[STORE_WHY])
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    struct stat st;
    bool regular, ours;

    if (fd < 0)
        return refuse(why, STORE_REFUSED, "the state file cannot be opened for writing: %s",
                      strerror(errno));
    regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ours = regular && is_database(fd, st.st_size);
    close(fd);
    if (!regular)
        return refuse(why, STORE_WRONG, "the state file is not a regular file");
    return ours ? STORE_OK : refuse(why, STORE_WRONG, "the file is not a state file of stripwatch");
}

/* Is it ours? Asked before anything is written. A database without tables is nobody's. */
static enum store_status check_file(struct file *f, bool *empty, char why[STORE_WHY])
{
    static const char *const ASK[] = {"PRAGMA application_id", "PRAGMA user_version",
                                      "SELECT count(*) FROM sqlite_schema"};
    int64_t answer[3];

    for (size_t i = 0; i < 3; i++) {
        int code;
        answer[i] = ask(f, ASK[i], &code);
        if (code != SQLITE_OK)
            return cannot(why, f, code);
    }
    *empty = answer[0] == 0 && answer[1] == 0 && answer[2] == 0;
    if (*empty)
        return STORE_OK;
    if (answer[0] != APPLICATION)
        return refuse(why, STORE_WRONG, "the file is the database of another program");
    if (answer[1] != SCHEMA)
        return refuse(why, STORE_WRONG,
                      "the state file has schema %" PRId64 ", this stripwatch knows %d", answer[1],
                      SCHEMA);
    return STORE_OK;
}

/* Another process may have been faster. */
static enum store_status make_tables(struct file *f, char why[STORE_WHY])
{
    int code = sqlite3_exec(f->db, TABLES, NULL, NULL, NULL);
    bool empty;

    if (code == SQLITE_OK)
        return STORE_OK;
    if (status_of(code) != STORE_WRONG)
        return cannot(why, f, code);
    sqlite3_exec(f->db, SQL[ROLLBACK], NULL, NULL, NULL);
    return check_file(f, &empty, why);
}

static enum store_status set_up(struct file *f, uint32_t pages, char why[STORE_WHY])
{
    static const char SAFE[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";
    bool empty = false;
    enum store_status status = check_file(f, &empty, why);
    char limit[64];
    int code;

    if (status != STORE_OK)
        return status;
    if (pages > 0) {
        snprintf(limit, sizeof(limit), "PRAGMA max_page_count=%" PRIu32, pages);
        (void)ask(f, limit, &code);
    }
    code = sqlite3_exec(f->db, SAFE, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return cannot(why, f, code);
    if (empty)
        status = make_tables(f, why);
    for (size_t i = 0; i < TEXT_COUNT && status == STORE_OK; i++) {
        code =
            sqlite3_prepare_v3(f->db, SQL[i], -1, SQLITE_PREPARE_PERSISTENT, &f->prepared[i], NULL);
        status = code == SQLITE_OK ? STORE_OK : cannot(why, f, code);
    }
    return status;
}

static enum store_status open_file(struct file *f, const char *path, const struct store_options *o,
                                   char why[STORE_WHY])
{
    enum store_status status = make_file(path, why);
    int code;

    if (status != STORE_OK)
        return status;
    code = sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return cannot(why, f, code);
    sqlite3_busy_timeout(f->db, BUSY_MS);
    /* the file may be made by somebody: its schema must not run code of his choice */
    sqlite3_db_config(f->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(f->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(f->db, SQLITE_LIMIT_LENGTH, 4 * CAP_STORE_VALUE);
    if (sqlite3_db_readonly(f->db, "main") == 1)
        return refuse(why, STORE_REFUSED, "the state file cannot be written to");
    return set_up(f, o->file_pages, why);
}

enum store_status store_sqlite_open(struct store **s, const struct where *where,
                                    const struct store_options *o, char why[STORE_WHY])
{
    static const struct store_ops OPS = {
        .get = sqlite_get,
        .put = sqlite_put,
        .remove = sqlite_remove,
        .add = sqlite_add,
        .totals = sqlite_totals,
        .scan = sqlite_scan,
        .scan_counters = sqlite_scan_counters,
        .clear = sqlite_clear,
        .tick = sqlite_tick,
        .drain = sqlite_drain,
        .close = sqlite_close,
    };
    struct file *f = heap_zeroed(sizeof(*f));
    enum store_status status;

    if (!f)
        return STORE_FULL;
    f->store.ops = &OPS;
    status = open_file(f, where->path, o, why);
    if (status != STORE_OK) {
        sqlite_close(&f->store);
        return status;
    }
    *s = &f->store;
    return STORE_OK;
}
