/* recipe_rules.c - every place that a recipe may have, and what stands there. */
#include "recipe_rules.h"
#include <string.h>

const struct rule recipe_rules[] = {
    { "", MAP, REQUIRED },
    { "name", TEXT, REQUIRED },
    { "summary", TEXT, REQUIRED },
    { "backbone", MAP, REQUIRED },
    { "backbone.family", TEXT, REQUIRED },
    { "backbone.width", NUMBER, REQUIRED },
    { "backbone.input", MAP, REQUIRED },
    { "backbone.input.width", INTEGER, REQUIRED },
    { "backbone.input.height", INTEGER, REQUIRED },
    { "backbone.input.channels", TEXT, REQUIRED },
    { "backbone.input.mean", LIST, REQUIRED },
    { "backbone.input.mean[]", NUMBER, OPTIONAL },
    { "backbone.input.scale", LIST, REQUIRED },
    { "backbone.input.scale[]", NUMBER, OPTIONAL },
    { "backbone.input.sample", TEXT, REQUIRED },
    { "backbone.input.letterbox", TEXT, REQUIRED },
    { "backbone.input.crop", NUMBER, OPTIONAL },
    { "backbone.input.border", TEXT, REQUIRED },
    { "backbone.activation", TEXT, REQUIRED },
    { "backbone.epsilon", NUMBER, OPTIONAL },
    { "backbone.extra", LIST, OPTIONAL },
    { "backbone.extra[]", MAP, OPTIONAL },
    { "backbone.extra[].kernel", INTEGER, REQUIRED },
    { "backbone.extra[].stride", INTEGER, REQUIRED },
    { "backbone.extra[].channels", INTEGER, REQUIRED },
    { "backbone.taps", LIST, REQUIRED },
    { "backbone.taps[]", TEXT, OPTIONAL },
    { "backbone.ranges", MAP, OPTIONAL },
    { "backbone.ranges.*", NUMBER, OPTIONAL },
    { "backbone.equal", LIST, OPTIONAL },
    { "backbone.equal[]", TEXT, OPTIONAL },
    { "heads", LIST, REQUIRED },
    { "heads[]", MAP, OPTIONAL },
    { "heads[].type", TEXT, REQUIRED },
    { "heads[].*", SETTING, OPTIONAL },        /* each type of head knows its own, and is asked at the end */
    { "source", MAP, REQUIRED },
    { "source.package", TEXT, REQUIRED },
    { "source.version", TEXT, REQUIRED },
    { "source.url", TEXT, OPTIONAL },
    { "source.paper", TEXT, OPTIONAL },
    { "source.files", MAP, REQUIRED },
    { "source.files.*", HASH, OPTIONAL },
    { "licence", MAP, REQUIRED },
    { "licence.code", TEXT, REQUIRED },
    { "licence.weights", TEXT, REQUIRED },
    { "licence.training_data", TEXT, OPTIONAL },
    { "tensors", MAP, REQUIRED },
    { "tensors.*", NAME, OPTIONAL },
    { "unused", LIST, OPTIONAL },
    { "unused[]", TEXT, OPTIONAL },
    { NULL, MAP, OPTIONAL },
};

const char *rule_key(const struct rule *rule, const struct rule *map)
{
    const size_t length = strlen(map->place);
    if (strncmp(rule->place, map->place, length) != 0) return NULL;
    const char *key = rule->place + length;
    if (length > 0 && *key++ != '.') return NULL;
    return *key && !strpbrk(key, ".[") ? key : NULL;
}

const struct rule *rule_of_key(const struct rule *map, const char *key, nearest *near)
{
    *near = nearest_start(key);
    for (const struct rule *rule = recipe_rules; rule->place; rule++) {
        const char *const known = rule_key(rule, map);
        if (!known) continue;
        if (strcmp(known, "*") == 0 || strcmp(known, key) == 0) return rule;
        nearest_try(near, known, known);
    }
    return NULL;
}

const struct rule *rule_of_items(const struct rule *list)
{
    const size_t length = strlen(list->place);
    const struct rule *rule = recipe_rules;
    while (strncmp(rule->place, list->place, length) != 0 || strcmp(rule->place + length, "[]") != 0) rule++;
    return rule;
}
