/* model_layers.h - what layers cost, as tables for people and as JSON. */
#ifndef MODEL_LAYERS_H
#define MODEL_LAYERS_H

#include "ops.h"

typedef struct cost {
    int64_t mult_adds, weights, biases;
} cost;

cost cost_sum(cost a, cost b);

/* Of the convolutions that a head of the description puts on the maps. */
cost model_head_cost(const cyg_backbone *net, const json_t *head);

/* 1234567 as "1,234,567". */
typedef struct grouped { char text[32]; } grouped;
grouped group_digits(int64_t number);

typedef struct shape_text { char text[24]; } shape_text;
shape_text shape_of(int width, int height, int channels);

/* The layers of a network with what its heads add; all of it the caller's. */
typedef struct layer_list {
    cyg_layer_info layers[CYG_MAX_LAYERS];
    int            count;
    cost           heads;               /* all together */
} layer_list;

/* Of layers and heads. */
cost layers_cost(const layer_list *list);

/* A table row for each layer; the caller adds rows for the heads and the total. */
void layers_print(const layer_list *list);
void layers_print_row(const char *name, const char *kind, const char *shapes, cost c);
/* A row for each type of layer: what share of the whole it has (Table 2 of arXiv 1704.04861).
 * Weights alone, as the paper counts parameters. `heads` names the heads' row. */
void layers_print_types(const layer_list *list, const char *heads);

/* Shapes are [height, width, channels]. NULL: no memory. */
json_t *layers_json(const layer_list *list);
json_t *layers_types_json(const layer_list *list);
json_t *cost_json(cost c);

#endif
