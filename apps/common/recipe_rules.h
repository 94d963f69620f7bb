/* recipe_rules.h - every place that a recipe may have, and what stands there; for recipe.c. */
#ifndef RECIPE_RULES_H
#define RECIPE_RULES_H

#include "nearest.h"

/* SETTING: any value, map or list, typed as YAML says: quoted is text, 1 an integer, 1.0 a number. */
typedef enum rule_kind { MAP, LIST, TEXT, HASH, NAME, INTEGER, NUMBER, SWITCH, SETTING } rule_kind;

struct rule {
    const char *place;          /* "heads[].anchors.kind": a[] is any item of list a, a.* any key of map a */
    rule_kind   kind;
    enum { OPTIONAL, REQUIRED } need;       /* wherever the map around it is */
};

extern const struct rule recipe_rules[];        /* the root first; ends with place NULL */

/* The key that the rule gives inside the map; NULL if it stands elsewhere. */
const char *rule_key(const struct rule *rule, const struct rule *map);
/* The rule of a key inside the map; NULL if it is unknown, *near then is for nearest_hint. */
const struct rule *rule_of_key(const struct rule *map, const char *key, nearest *near);
/* The rule of the items of a list. */
const struct rule *rule_of_items(const struct rule *list);

#endif
