/* overlay_light.c - colours of ordinary video in pictures of more light: PQ and HLG. */
#include "overlay_internal.h"
#include <math.h>

static const double white = 203;                /* cd/m2, of what is drawn: ITU-R BT.2408, 2.1 */
static const double screen_gamma = 2.4;         /* of the screen that its colours are meant for: ITU-R BT.1886 */

/* From the primaries of BT.709 to those of BT.2020: ITU-R BT.2087, 4. */
static const double wider[3][3] = {
    { .6274, .3293, .0433 }, { .0691, .9195, .0114 }, { .0164, .0880, .8956 },
};

/* ITU-R BT.2100, table 4; light: 1 = white. */
static double pq(double light)
{
    const double m1 = 2610. / 16384, m2 = 2523. / 4096 * 128;
    const double c1 = 3424. / 4096, c2 = 2413. / 4096 * 32, c3 = 2392. / 4096 * 32;
    const double y = pow(light * white / 10000, m1);
    return pow((c1 + c2 * y) / (1 + c3 * y), m2);
}

/* ITU-R BT.2100, table 5; white is .75 there (BT.2408), which is .265 of the scene's light. */
static double hlg(double light)
{
    const double a = .17883277, b = 1 - 4 * a, c = .5 - a * log(4 * a), e = .265 * light;
    return e <= 1. / 12 ? sqrt(3 * e) : a * log(12 * e - b) + c;
}

uint32_t overlay_light_pixel(uint32_t pixel, frame_light light)
{
    const uint32_t alpha = pixel >> 24;
    double linear[3];
    uint32_t out = alpha << 24;
    if (!alpha || light == LIGHT_SDR) return pixel;
    for (int i = 0; i < 3; i++) linear[i] = pow(fmin((pixel >> (16 - 8 * i) & 255) / (double)alpha, 1), screen_gamma);
    for (int i = 0; i < 3; i++) {
        const double wide = wider[i][0] * linear[0] + wider[i][1] * linear[1] + wider[i][2] * linear[2];
        out |= (uint32_t)lround(alpha * (light == LIGHT_PQ ? pq(wide) : hlg(wide))) << (16 - 8 * i);
    }
    return out;
}
