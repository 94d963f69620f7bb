/* scan.c - one row of small integers against many. */
#include "backbone.h"
#include "kernels/kernels.h"
#include <assert.h>

void cyg_scan(int32_t *dots, const uint8_t *codes, const int8_t *with, int count, int width)
{
    assert(count >= 0 && width > 0 && width % CYG_SCAN_WIDTH == 0 && width <= 65536);
    cyg_kernels_find(NULL)->scan(dots, codes, with, count, width);
}
