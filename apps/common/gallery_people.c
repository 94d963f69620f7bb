/* gallery_people.c - who is who: names, assignments, merges and rejections. */
#include "gallery_sql.h"
#include <string.h>

/* ---- Names -------------------------------------------------------------------------------- */

/* How many bytes the UTF-8 character at s has; 0 if it is none, or a control character. */
static int character(const unsigned char *s)
{
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    const int more = s[0] >= 0xf0 && s[0] < 0xf5 ? 3 : s[0] >= 0xe0 && s[0] < 0xf0 ? 2 : s[0] >= 0xc2 && s[0] < 0xe0;
    if (!more) return 0;
    uint32_t code = s[0] & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    return code >= least[more] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code >= 0xa0 ? more + 1 : 0;
}

static cyg_status check_name(const char *name, cyg_error *err)
{
    if (!name) return CYG_OK;
    const size_t size = strlen(name);
    if (size < 1 || size > 200)
        return cyg_fail(err, CYG_ARGUMENT, "the name of a person has 1 to 200 bytes, not %zu", size);
    for (const unsigned char *s = (const unsigned char *)name; *s; ) {
        const int bytes = character(s);
        if (!bytes) return cyg_fail(err, CYG_ARGUMENT, "the name of a person has byte 0x%02x, which is no "
                                    "printable UTF-8", *s);
        s += bytes;
    }
    return CYG_OK;
}

/* ---- People -------------------------------------------------------------------------------- */

static cyg_status name_is_free(gallery *g, const char *name, int64_t person, cyg_error *err)
{
    int64_t other;
    if (!name) return CYG_OK;
    const cyg_status status = sql_number(&other, g, err, "SELECT id FROM people WHERE name = ? AND id != ?", "ti",
                                         name, person);
    if (status == CYG_NOT_FOUND) return CYG_OK;
    if (status) return status;
    return cyg_fail(err, CYG_ARGUMENT, "%s: person %lld is called \"%s\" already", g->path, (long long)other, name);
}

cyg_status gallery_add_person(gallery *g, const char *name, int64_t *id, cyg_error *err)
{
    cyg_status status = check_name(name, err);
    if (!status) status = name_is_free(g, name, 0, err);
    if (!status) status = sql_begin_step(g, err);
    if (status) return status;
    status = sql_run(g, err, "INSERT INTO people (name) VALUES (?)", "t", name);
    *id = sqlite3_last_insert_rowid(g->db);
    return sql_end_step(g, status, err);
}

static cyg_status no_person(const gallery *g, int64_t person, cyg_error *err)
{
    return cyg_fail(err, CYG_NOT_FOUND, "%s: no person %lld", g->path, (long long)person);
}

cyg_status gallery_resolve_person(gallery *g, int64_t person, int64_t *now, cyg_error *err)
{
    const cyg_status status = sql_number(now, g, err,
        "WITH RECURSIVE chain(id, into_id) AS (SELECT id, merged_into FROM people WHERE id = ? "
        "UNION SELECT people.id, merged_into FROM people JOIN chain ON people.id = into_id) "
        "SELECT id FROM chain WHERE into_id IS NULL", "i", person);
    return status == CYG_NOT_FOUND ? no_person(g, person, err) : status;
}

cyg_status gallery_find_person(gallery *g, const char *name, int64_t *id, cyg_error *err)
{
    int64_t found;
    const cyg_status status = sql_number(&found, g, err, "SELECT id FROM people WHERE name = ?", "t", name);
    if (status == CYG_NOT_FOUND) return cyg_fail(err, CYG_NOT_FOUND, "%s: nobody is called \"%s\"", g->path, name);
    return status ? status : gallery_resolve_person(g, found, id, err);
}

cyg_status gallery_name_person(gallery *g, int64_t person, const char *name, cyg_error *err)
{
    cyg_status status = check_name(name, err);
    if (!status) status = name_is_free(g, name, person, err);
    if (!status) status = sql_begin_step(g, err);
    if (status) return status;
    status = sql_run(g, err, "UPDATE people SET name = ? WHERE id = ? AND merged_into IS NULL", "ti", name, person);
    if (!status && sqlite3_changes(g->db) == 0) status = no_person(g, person, err);
    return sql_end_step(g, status, err);
}

/* A nameless person gets the name of the one that is merged into it; otherwise that one's
 * name stays with it and stands for both. */
static cyg_status hand_over_name(gallery *g, int64_t from, int64_t into, cyg_error *err)
{
    int64_t named;
    cyg_status status = sql_number(&named, g, err, "SELECT name IS NOT NULL FROM people WHERE id = ?", "i", into);
    if (status || named) return status;
    status = sql_run(g, err, "UPDATE people SET merged_into = ?1, name = NULL WHERE id = ?2 AND name IS NULL",
                     "ii", into, from);
    if (status || sqlite3_changes(g->db)) return status;
    /* by way of a name that nobody can have, since names are unique in every moment */
    status = sql_run(g, err, "UPDATE people SET name = char(1) || name WHERE id = ?", "i", from);
    if (!status) status = sql_run(g, err, "UPDATE people SET name = (SELECT substr(name, 2) FROM people WHERE id = ?2) "
                                  "WHERE id = ?1", "ii", into, from);
    return status ? status : sql_run(g, err, "UPDATE people SET name = NULL WHERE id = ?", "i", from);
}

static cyg_status merge(gallery *g, int64_t from, int64_t into, cyg_error *err)
{
    cyg_status status = sql_run(g, err, "UPDATE faces SET person = ?1, how = ?3 WHERE person IN (?1, ?2)", "iii",
                                into, from, (int64_t)GALLERY_NAMED);
    if (!status) status = hand_over_name(g, from, into, err);
    if (!status) status = sql_run(g, err, "INSERT OR IGNORE INTO rejections SELECT face, ?1 FROM rejections "
                                  "WHERE person = ?2", "ii", into, from);
    return status ? status : sql_run(g, err, "UPDATE people SET merged_into = ? WHERE id = ?", "ii", into, from);
}

cyg_status gallery_merge_people(gallery *g, int64_t from, int64_t into, cyg_error *err)
{
    int64_t a, b;
    cyg_status status = gallery_resolve_person(g, from, &a, err);
    if (!status) status = gallery_resolve_person(g, into, &b, err);
    if (!status && a == b)
        status = cyg_fail(err, CYG_ARGUMENT, "%s: persons %lld and %lld are one already", g->path,
                          (long long)from, (long long)into);
    if (!status) status = sql_begin_step(g, err);
    if (status) return status;
    status = merge(g, a, b, err);
    return sql_end_step(g, status, err);
}

cyg_status gallery_remove_person(gallery *g, int64_t person, bool with_faces, cyg_error *err)
{
    cyg_status status = sql_begin_step(g, err);
    if (status) return status;
    int64_t faces = 0;
    if (with_faces) {
        status = sql_run(g, err, "DELETE FROM faces WHERE person = ?", "i", person);
        faces = sqlite3_changes(g->db);
    } else {
        status = sql_run(g, err, "UPDATE faces SET how = ? WHERE person = ?", "ii", (int64_t)GALLERY_UNKNOWN, person);
    }
    if (!status) status = sql_run(g, err, "DELETE FROM people WHERE id = ? AND merged_into IS NULL", "i", person);
    if (!status && sqlite3_changes(g->db) == 0) status = no_person(g, person, err);
    if (!status) status = sql_run(g, err, "UPDATE meta SET untidy = 1", "");
    if (!status && faces) status = sql_changed(g, true, err);
    return sql_end_step(g, status, err);
}

cyg_status gallery_each_person(gallery *g, gallery_each_person_fn *each, void *context, cyg_error *err)
{
    sqlite3_stmt *s;
    cyg_status status = sql_prepare(&s, g, err,
        "SELECT id, name, (SELECT count(*) FROM faces WHERE person = people.id),"
        " (SELECT count(DISTINCT file) FROM faces WHERE person = people.id),"
        " coalesce((SELECT id FROM faces WHERE person = people.id ORDER BY quality DESC, id LIMIT 1), 0) "
        "FROM people WHERE merged_into IS NULL ORDER BY id", "");
    for (bool row = true; !status; ) {
        status = sql_step(&s, g, &row, err);
        if (status || !row) break;
        const gallery_person p = {
            .id = sqlite3_column_int64(s, 0), .name = (const char *)sqlite3_column_text(s, 1),
            .faces = sqlite3_column_int(s, 2), .files = sqlite3_column_int(s, 3),
            .best_face = sqlite3_column_int64(s, 4),
        };
        if (!each(context, &p)) break;
    }
    sqlite3_finalize(s);
    return status;
}

/* ---- Faces of people ------------------------------------------------------------------------- */

cyg_status gallery_assign(gallery *g, int64_t face, int64_t person, gallery_how how, cyg_error *err)
{
    int64_t now = 0;
    cyg_status status = person ? gallery_resolve_person(g, person, &now, err) : CYG_OK;
    if (!status) status = sql_begin_step(g, err);
    if (status) return status;
    status = sql_run(g, err, "UPDATE faces SET person = nullif(?, 0), how = ? WHERE id = ?", "iii", now,
                     (int64_t)(now ? how : GALLERY_UNKNOWN), face);
    if (!status && sqlite3_changes(g->db) == 0)
        status = cyg_fail(err, CYG_NOT_FOUND, "%s: no face %lld", g->path, (long long)face);
    if (!status && now && how == GALLERY_NAMED)     /* a person changed their mind */
        status = sql_run(g, err, "DELETE FROM rejections WHERE face = ? AND person = ?", "ii", face, now);
    return sql_end_step(g, status, err);
}

cyg_status gallery_reject(gallery *g, int64_t face, int64_t person, cyg_error *err)
{
    int64_t now, there;
    cyg_status status = gallery_resolve_person(g, person, &now, err);
    if (!status) status = sql_number(&there, g, err, "SELECT id FROM faces WHERE id = ?", "i", face);
    if (status == CYG_NOT_FOUND) return cyg_fail(err, status, "%s: no face %lld or no person %lld", g->path,
                                                 (long long)face, (long long)person);
    if (!status) status = sql_begin_step(g, err);
    if (status) return status;
    status = sql_run(g, err, "INSERT OR IGNORE INTO rejections VALUES (?, ?)", "ii", face, now);
    if (!status) status = sql_run(g, err, "UPDATE faces SET person = NULL, how = ? WHERE id = ? AND person = ?",
                                  "iii", (int64_t)GALLERY_UNKNOWN, face, now);
    return sql_end_step(g, status, err);
}

cyg_status gallery_is_rejected(gallery *g, int64_t face, int64_t person, bool *yes, cyg_error *err)
{
    int64_t found;
    const cyg_status status = sql_number(&found, g, err, "SELECT 1 FROM rejections WHERE face = ? AND person = ?",
                                         "ii", face, person);
    *yes = status == CYG_OK;
    return status == CYG_NOT_FOUND ? CYG_OK : status;
}
