/* view_meter.c - rates and percentiles. */
#include "view_meter.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double window = 2;         /* seconds that a rate looks back */

void meter_add(meter *m, double now, double took)
{
    const double milliseconds = fmax(took, 0) * 1e3;
    if (!m->count) m->first = now;
    m->at[m->count % METER_EVENTS] = now;
    m->took[m->count % METER_EVENTS] = took;
    m->bins[milliseconds < METER_BINS - 1 ? (int)milliseconds : METER_BINS - 1]++;
    m->count++;
}

static int kept(const meter *m)
{
    return m->count < METER_EVENTS ? (int)m->count : METER_EVENTS;
}

/* Of n events in the window, n - 1 intervals lie between them; the time since the last one counts once it
 * is longer than those. */
double meter_rate(const meter *m, double now)
{
    const int most = kept(m);
    int n = 0;
    double oldest = now, newest = now;
    for (int i = 1; i <= most; i++) {
        const double at = m->at[(m->count - i) % METER_EVENTS];
        if (at < now - window) break;
        if (!n++) newest = at;
        oldest = at;
    }
    if (n < 2 || newest <= oldest) return 0;
    const double step = (newest - oldest) / (n - 1), quiet = now - newest;
    return quiet > 2 * step ? (n - 1) / (now - oldest) : 1 / step;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double meter_recent(const meter *m, double part)
{
    double sorted[METER_EVENTS];
    const int n = kept(m);
    if (!n) return 0;
    memcpy(sorted, m->took, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    const int rank = (int)ceil(part * n);
    return sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

double meter_whole(const meter *m, double part)
{
    const double rank = fmax(ceil(part * (double)m->count), 1);
    int64_t passed = 0;
    if (!m->count) return 0;
    for (int i = 0; i < METER_BINS; i++) {
        passed += m->bins[i];
        if ((double)passed >= rank) return (i + 1) * 1e-3;
    }
    return METER_BINS * 1e-3;
}

double meter_mean_rate(const meter *m)
{
    const double last = m->count ? m->at[(m->count - 1) % METER_EVENTS] : 0;
    return m->count > 1 && last > m->first ? (double)(m->count - 1) / (last - m->first) : 0;
}
