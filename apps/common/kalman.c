/* kalman.c - a Kalman filter for one coordinate at nearly constant speed. */
#include "kalman.h"
#include <assert.h>

kalman kalman_start(double x, double x_variance, double v_variance)
{
    return (kalman){ .x = x, .xx = x_variance, .vv = v_variance };
}

void kalman_predict(kalman *k, double dt, double q)
{
    assert(dt >= 0 && q >= 0);
    k->x += dt * k->v;
    k->xx += dt * (2 * k->xv + dt * k->vv) + q * dt * dt * dt / 3;
    k->xv += dt * k->vv + q * dt * dt / 2;
    k->vv += q * dt;
}

void kalman_correct(kalman *k, double z, double variance)
{
    assert(variance > 0);
    const double innovation = z - k->x, spread = k->xx + variance;
    const double gain_x = k->xx / spread, gain_v = k->xv / spread;
    k->x += gain_x * innovation;
    k->v += gain_v * innovation;
    k->vv -= gain_v * k->xv;
    k->xv -= gain_x * k->xv;
    k->xx -= gain_x * k->xx;
}
