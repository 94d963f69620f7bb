/* assign.h - who goes with whom: the cheapest assignment of rows to columns. */
#ifndef ASSIGN_H
#define ASSIGN_H

enum { ASSIGN_ALONE = -1, ASSIGN_MOST = 512 };

/* Gives each row one column of its own, or ASSIGN_ALONE, so that the sum of all costs is the
 * least there is; a row alone costs `alone`. No pair that costs as much as that is made, so
 * INFINITY forbids one. Of equally cheap assignments it is always the same one.
 *
 * cost is [rows][columns], 0 .. INFINITY, no NaN; rows and columns 0 .. ASSIGN_MOST; alone is
 * finite and not negative. O(rows^2 columns): shortest augmenting paths, as in R. Jonker and A. Volgenant,
 * "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
 * Computing 38, 1987, and for rectangles in D. F. Crouse, "On implementing 2D rectangular
 * assignment algorithms", IEEE Transactions on Aerospace and Electronic Systems 52(4), 2016. */
void assign(int *column_of, const float *cost, int rows, int columns, float alone);

#endif
