/* nearest.h - "did you mean ...?" for a name that is not known. */
#ifndef NEAREST_H
#define NEAREST_H

/* The known name nearest to a wrong one, fed name by name. */
typedef struct nearest { const char *wrong; char best[80]; int distance; } nearest;
nearest nearest_start(const char *wrong);
void nearest_try(nearest *n, const char *known, const char *shown);
void nearest_try_key(nearest *n, const char *key);      /* by its last part as well */
/* "; did you mean 'detect.threshold'?", or "" if nothing is near. */
typedef struct hint { char text[110]; } hint;
hint nearest_hint(const nearest *n);

#endif
