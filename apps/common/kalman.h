/* kalman.h - where something is and how fast it goes, from noisy sightings at any times.
 *
 * One coordinate that moves at a nearly constant speed: its acceleration is white noise of
 * spectral density q. With only two states every matrix is 2 x 2 and all of it is closed form:
 *
 *     F = | 1 dt |    Q = q | dt^3/3  dt^2/2 |    H = | 1 0 |
 *         | 0  1 |          | dt^2/2  dt     |
 *
 * (Y. Bar-Shalom, X. R. Li, T. Kirubarajan, "Estimation with Applications to Tracking and
 * Navigation", 2001, section 6.2.2; the filter itself: section 5.2.) Since Q depends on dt as
 * it does, two steps give what one of their length gives: frame rates may vary, frames be missing.
 */
#ifndef KALMAN_H
#define KALMAN_H

typedef struct kalman {
    double x, v;                /* place; speed, a second */
    double xx, xv, vv;          /* covariance of the two */
} kalman;

/* Seen once: the speed is unknown but for its variance. */
kalman kalman_start(double x, double x_variance, double v_variance);
/* dt >= 0 seconds later; q >= 0 in (units of x)^2 / s^3. */
void   kalman_predict(kalman *k, double dt, double q);
/* Seen at z, with an error of that variance, > 0. */
void   kalman_correct(kalman *k, double z, double variance);

#endif
