/* assign.c - the linear assignment problem by shortest augmenting paths. */
#include "assign.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>

enum { NOWHERE = -1 };

/* Rows come in one by one. u and v are prices (dual variables): cost - u - v is never below 0
 * and is 0 for every pair that is made. */
typedef struct market {
    const float *cost;
    int          columns;
    double       alone;
    int         *column_of;                     /* [rows] */
    int          row_of[ASSIGN_MOST];           /* [columns], NOWHERE: free */
    double       u[ASSIGN_MOST], v[ASSIGN_MOST];

    /* Of the search for one row's place: lengths of the shortest paths in reduced costs. */
    double       length[ASSIGN_MOST];           /* to each column */
    int          from[ASSIGN_MOST];             /* the row before it */
    bool         done[ASSIGN_MOST];
} market;

/* Where the shortest path ends: at a free column, or with a row that stays alone from now on. */
typedef struct path_end { double length; int column, row; } path_end;

/* Goes on from a row at that distance; returns the nearest column that is not done. */
static int look_from(market *m, int row, double distance)
{
    const float *const cost = m->cost + row * m->columns;
    int nearest = NOWHERE;
    for (int j = 0; j < m->columns; j++) {
        if (m->done[j]) continue;
        const double length = distance + (double)cost[j] - m->u[row] - m->v[j];
        if (length < m->length[j]) {
            m->length[j] = length;
            m->from[j] = row;
        }
        if (m->length[j] < (nearest == NOWHERE ? INFINITY : m->length[nearest])) nearest = j;
    }
    return nearest;
}

/* Dijkstra's algorithm from a row that has no place yet. */
static path_end find_path(market *m, int row)
{
    for (int j = 0; j < m->columns; j++) {
        m->length[j] = INFINITY;
        m->done[j] = false;
    }
    path_end end = { INFINITY, NOWHERE, NOWHERE };
    double distance = 0;
    for (;;) {
        const double alone = distance + m->alone - m->u[row];
        if (alone < end.length) end = (path_end){ alone, NOWHERE, row };
        const int next = look_from(m, row, distance);
        if (next == NOWHERE || m->length[next] >= end.length) return end;
        distance = m->length[next];
        if (m->row_of[next] == NOWHERE) return (path_end){ distance, next, NOWHERE };
        m->done[next] = true;
        row = m->row_of[next];
    }
}

static void set_prices(market *m, int row, const path_end *end)
{
    m->u[row] += end->length;
    for (int j = 0; j < m->columns; j++) {
        if (!m->done[j]) continue;
        m->u[m->row_of[j]] += end->length - m->length[j];
        m->v[j] -= end->length - m->length[j];
    }
}

/* Every row on the path moves on to the next column. */
static void walk_back(market *m, int row, const path_end *end)
{
    int column = end->column;
    if (column == NOWHERE) {
        column = m->column_of[end->row];
        m->column_of[end->row] = ASSIGN_ALONE;
        if (end->row == row) return;
    }
    for (int r = NOWHERE; r != row; ) {
        r = m->from[column];
        const int left = m->column_of[r];
        m->column_of[r] = column;
        m->row_of[column] = r;
        column = left;
    }
}

void assign(int *column_of, const float *cost, int rows, int columns, float alone)
{
    assert(rows >= 0 && rows <= ASSIGN_MOST && columns >= 0 && columns <= ASSIGN_MOST && alone >= 0);
    market m;
    m.cost = cost;
    m.columns = columns;
    m.alone = (double)alone;
    m.column_of = column_of;
    for (int j = 0; j < columns; j++) {
        m.row_of[j] = NOWHERE;
        m.v[j] = 0;
    }
    for (int i = 0; i < rows; i++) {
        m.u[i] = 0;
        column_of[i] = ASSIGN_ALONE;
        const path_end end = find_path(&m, i);
        set_prices(&m, i, &end);
        walk_back(&m, i, &end);
    }
}
