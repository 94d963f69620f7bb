/* confidence.c - exact bounds of a binomial rate, by bisection. */
#include "confidence.h"
#include <math.h>

static double log_factorial(int64_t n)
{
    int sign;
    return lgamma_r((double)n + 1, &sign);
}

/* How likely at most `hits` of `trials` are at this rate, 0 < rate < 1. */
static double at_most(int64_t hits, int64_t trials, double rate)
{
    const double all = log_factorial(trials), yes = log(rate), no = log1p(-rate);
    double sum = 0;
    for (int64_t i = 0; i <= hits; i++)
        sum += exp(all - log_factorial(i) - log_factorial(trials - i) + (double)i * yes + (double)(trials - i) * no);
    return sum;
}

double confidence_upper(int64_t hits, int64_t trials, double confidence)
{
    if (hits >= trials) return 1;
    double low = (double)hits / (double)trials, high = 1;
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        if (middle > 0 && at_most(hits, trials, middle) > 1 - confidence) low = middle;
        else high = middle;
    }
    return high;
}

double confidence_lower(int64_t hits, int64_t trials, double confidence)
{
    return 1 - confidence_upper(trials - hits, trials, confidence);
}
