/* picture_exif.c - the orientation of a photo, and its EXIF once it is turned upright. */
#include "picture_exif.h"
#include <libexif/exif-data.h>
#include <stdlib.h>

enum { MAX_SEGMENT = 65533 };       /* bytes that an APP1 segment can hold */

/* As it stands in the file: nothing repaired, nothing unknown thrown away. NULL: no memory. */
static ExifData *load(const unsigned char *bytes, size_t size)
{
    ExifData *data = exif_data_new();
    if (!data) return NULL;
    exif_data_unset_option(data, EXIF_DATA_OPTION_IGNORE_UNKNOWN_TAGS);
    exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(data, bytes, (unsigned)size);
    return data;
}

static ExifEntry *orientation_entry(ExifData *data)
{
    ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    return entry && entry->format == EXIF_FORMAT_SHORT && entry->components >= 1 && entry->size >= 2 ? entry : NULL;
}

int exif_orientation(const unsigned char *bytes, size_t size)
{
    ExifData *data = load(bytes, size);
    if (!data) return 1;
    const ExifEntry *entry = orientation_entry(data);
    const int value = entry ? exif_get_short(entry->data, exif_data_get_byte_order(data)) : 1;
    exif_data_unref(data);
    return value >= 1 && value <= 8 ? value : 1;
}

static void drop_thumbnail(ExifData *data)
{
    free(data->data);
    data->data = NULL;
    data->size = 0;
    ExifContent *content = data->ifd[EXIF_IFD_1];
    while (content->count) exif_content_remove_entry(content, content->entries[0]);
}

static void set_size(ExifData *data, ExifTag tag, int value)
{
    ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_EXIF], tag);
    const ExifByteOrder order = exif_data_get_byte_order(data);
    if (!entry || entry->components != 1) return;
    if (entry->format == EXIF_FORMAT_SHORT && entry->size >= 2) exif_set_short(entry->data, order, (ExifShort)value);
    if (entry->format == EXIF_FORMAT_LONG && entry->size >= 4) exif_set_long(entry->data, order, (ExifLong)value);
}

unsigned char *exif_upright(const unsigned char *bytes, size_t size, int width, int height, size_t *out_size)
{
    *out_size = 0;
    ExifData *data = load(bytes, size);
    if (!data) return NULL;
    ExifEntry *entry = orientation_entry(data);
    if (entry) exif_set_short(entry->data, exif_data_get_byte_order(data), 1);
    set_size(data, EXIF_TAG_PIXEL_X_DIMENSION, width);
    set_size(data, EXIF_TAG_PIXEL_Y_DIMENSION, height);
    drop_thumbnail(data);

    unsigned count = 0, saved_size = 0;
    for (int i = 0; i < EXIF_IFD_COUNT; i++) count += data->ifd[i]->count;
    unsigned char *saved = NULL;
    if (count) exif_data_save_data(data, &saved, &saved_size);
    exif_data_unref(data);
    if (saved_size > MAX_SEGMENT) {
        free(saved);
        return NULL;
    }
    *out_size = saved_size;
    return saved;
}
