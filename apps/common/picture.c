/* picture.c - JPEG photos: decoded upright, encoded with what they carried. */
#include "picture.h"
#include "picture_exif.h"
#include "file.h"
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jpeglib.h>
#include <jerror.h>

/* A hostile file can make neither time nor memory endless: with pixels capped, these are
 * what is left of libjpeg's work. */
enum { MAX_BYTES = 256 << 20, MAX_SCANS = 500 };

/* libjpeg reports by callbacks: ours keep the sentence and jump back out. */
typedef struct trouble {
    struct jpeg_error_mgr manager;      /* first: libjpeg's pointer is ours */
    jmp_buf               out;
    char                  sentence[JMSG_LENGTH_MAX];
} trouble;

static void give_up(j_common_ptr jpeg)
{
    trouble *t = (trouble *)jpeg->err;
    t->manager.format_message(jpeg, t->sentence);
    longjmp(t->out, 1);
}

/* Warnings come with level -1. Those that cost no pixel are let pass. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0) return;
    switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
        return;
    default:
        give_up(jpeg);
    }
}

static struct jpeg_error_mgr *trouble_begin(trouble *t)
{
    struct jpeg_error_mgr *manager = jpeg_std_error(&t->manager);
    manager->error_exit = give_up;
    manager->emit_message = on_message;
    return manager;
}

static cyg_status trouble_status(const trouble *t)
{
    switch (t->manager.msg_code) {
    case JERR_OUT_OF_MEMORY:
        return CYG_NO_MEMORY;
    case JERR_FILE_READ:
    case JERR_FILE_WRITE:
        return CYG_IO;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
        return CYG_UNSUPPORTED;
    default:
        return CYG_FORMAT;
    }
}

/* ---- Reading ------------------------------------------------------------------------- */

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    trouble                       trouble;
    struct jpeg_progress_mgr      progress;
    FILE    *file;
    JSAMPLE *row;               /* [width * components]; NULL = rows go where they belong at once */
    uint8_t *pixels;            /* upright, [height][width][3] */
    picture_info info;
} reader;

static void limit_scans(j_common_ptr jpeg)
{
    const j_decompress_ptr d = (j_decompress_ptr)jpeg;
    if (d->input_scan_number <= MAX_SCANS) return;
    trouble *t = (trouble *)jpeg->err;
    snprintf(t->sentence, sizeof t->sentence, "more than %d scans", MAX_SCANS);
    longjmp(t->out, 1);
}

bool picture_is_jpeg(const char *path)
{
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode)) return false;
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    unsigned char head[2] = { 0 };
    const bool is = fread(head, 1, 2, file) == 2 && !memcmp(head, "\xff\xd8", 2);
    fclose(file);
    return is;
}

static cyg_status open_file(FILE **out, const char *path, cyg_error *err)
{
    struct stat st;
    *out = fopen(path, "rb");
    if (!*out || fstat(fileno(*out), &st)) return cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode)) return cyg_fail(err, CYG_IO, "%s: not a file", path);
    if (st.st_size == 0) return cyg_fail(err, CYG_FORMAT, "%s: the file is empty", path);
    if (st.st_size > MAX_BYTES)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: %lld bytes are more than a photo may have (%d)", path,
                        (long long)st.st_size, MAX_BYTES);
    return CYG_OK;
}

/* Chroma sampling of the luma plane against the others, as an encoder takes it. */
static void note_sampling(picture_info *info, const struct jpeg_decompress_struct *d)
{
    info->sampling_x = info->sampling_y = 1;
    if (d->num_components != 3 || d->jpeg_color_space != JCS_YCbCr) return;
    const jpeg_component_info *luma = &d->comp_info[0], *chroma = &d->comp_info[1];
    const int x = luma->h_samp_factor / chroma->h_samp_factor, y = luma->v_samp_factor / chroma->v_samp_factor;
    const bool turned = info->orientation >= 5;
    if (x == 2 || x == 4) *(turned ? &info->sampling_y : &info->sampling_x) = x;
    if (y == 2 || y == 4) *(turned ? &info->sampling_x : &info->sampling_y) = y;
    if (info->sampling_x * info->sampling_y > 8) info->sampling_y = 2;  /* 10 blocks are all that JPEG allows */
}

/* An ICC profile for RGB pixels; one for CMYK or grey would lie about the output. */
static void note_profile(picture_info *info, struct jpeg_decompress_struct *d)
{
    JOCTET *bytes;
    unsigned size;
    if (!jpeg_read_icc_profile(d, &bytes, &size)) return;
    if (size >= 128 && !memcmp(bytes + 16, "RGB ", 4)) {
        info->icc = bytes;
        info->icc_size = size;
    } else {
        free(bytes);
    }
}

static void note_exif(picture_info *info, const struct jpeg_decompress_struct *d)
{
    info->orientation = 1;
    for (jpeg_saved_marker_ptr m = d->marker_list; m; m = m->next) {
        if (m->marker != JPEG_APP0 + 1 || m->data_length < 6 || memcmp(m->data, "Exif\0", 6)) continue;
        info->orientation = exif_orientation(m->data, m->data_length);
        const int width = (int)d->image_width, height = (int)d->image_height;
        const bool turned = info->orientation >= 5;
        info->exif = exif_upright(m->data, m->data_length, turned ? height : width, turned ? width : height,
                                  &info->exif_size);
        return;
    }
}

/* CMYK to RGB without colour management; Adobe's files hold the complements. */
static void cmyk_to_rgb(uint8_t *pixels, int count, bool complement)
{
    for (int i = 0; i < count; i++) {
        const uint8_t *in = pixels + 4 * i;
        const int k = complement ? in[3] : 255 - in[3];
        for (int c = 0; c < 3; c++) pixels[3 * i + c] = (uint8_t)(((complement ? in[c] : 255 - in[c]) * k + 127) / 255);
    }
}

/* Puts row y of the stored picture (w x h) where it belongs in the upright one. */
static void place_row(uint8_t *upright, const uint8_t *row, int y, int w, int h, int orientation)
{
    const ptrdiff_t stride = 3 * (ptrdiff_t)(orientation >= 5 ? h : w);
    const bool mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_end = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const ptrdiff_t along = orientation >= 5 ? stride : 3, across = orientation >= 5 ? 3 : stride;
    uint8_t *to = upright + across * (from_end ? h - 1 - y : y) + (mirrored ? along * (w - 1) : 0);
    const ptrdiff_t step = mirrored ? -along : along;
    for (int x = 0; x < w; x++, to += step, row += 3) memcpy(to, row, 3);
}

static cyg_status read_header(reader *r, const char *path, int64_t max_pixels, cyg_error *err)
{
    struct jpeg_decompress_struct *d = &r->jpeg;
    jpeg_create_decompress(d);
    r->progress.progress_monitor = limit_scans;
    d->progress = &r->progress;
    jpeg_stdio_src(d, r->file);
    jpeg_save_markers(d, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(d, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(d, TRUE);
    if ((int64_t)d->image_width * d->image_height > max_pixels)
        return cyg_fail(err, CYG_UNSUPPORTED, "%s: %u x %u pixels are more than the limit of %lld", path,
                        d->image_width, d->image_height, (long long)max_pixels);
    note_exif(&r->info, d);
    note_profile(&r->info, d);
    note_sampling(&r->info, d);
    return CYG_OK;
}

static cyg_status decode(reader *r, const char *path, cyg_error *err)
{
    struct jpeg_decompress_struct *d = &r->jpeg;
    const int width = (int)d->image_width, height = (int)d->image_height, orientation = r->info.orientation;
    const bool cmyk = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
    d->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    d->dct_method = JDCT_ISLOW;
    r->pixels = malloc((size_t)width * (size_t)height * 3);
    if (cmyk || orientation > 1) r->row = malloc((size_t)width * 4);
    if (!r->pixels || ((cmyk || orientation > 1) && !r->row))
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory for %d x %d pixels", path, width, height);

    jpeg_start_decompress(d);
    while (d->output_scanline < d->output_height) {
        const int y = (int)d->output_scanline;
        JSAMPROW row = r->row ? r->row : r->pixels + (size_t)y * (size_t)width * 3;
        jpeg_read_scanlines(d, &row, 1);
        if (cmyk) cmyk_to_rgb(row, width, d->saw_Adobe_marker);
        if (r->row) place_row(r->pixels, row, y, width, height, orientation);
    }
    jpeg_finish_decompress(d);
    return CYG_OK;
}

/* What may jump stands below this, and what must survive the jump in *r. */
static cyg_status read_all(reader *r, const char *path, int64_t max_pixels, cyg_error *err)
{
    r->jpeg.err = trouble_begin(&r->trouble);
    if (setjmp(r->trouble.out)) {
        if (ferror(r->file)) return cyg_fail(err, CYG_IO, "%s: cannot be read to its end", path);
        const cyg_status status = trouble_status(&r->trouble);
        return cyg_fail(err, status, "%s: %s: %s", path,
                        status == CYG_FORMAT ? "damaged, or no JPEG" : cyg_status_text(status), r->trouble.sentence);
    }
    const cyg_status status = read_header(r, path, max_pixels, err);
    return status ? status : decode(r, path, err);
}

cyg_status picture_read(frame *f, picture_info *info, const char *path, int64_t max_pixels, cyg_error *err)
{
    *info = (picture_info){ 0 };
    reader *r = calloc(1, sizeof *r);
    if (!r) return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    cyg_status status = open_file(&r->file, path, err);
    if (!status) status = read_all(r, path, max_pixels, err);
    if (!status) {
        const bool turned = r->info.orientation >= 5;
        const int width = (int)(turned ? r->jpeg.image_height : r->jpeg.image_width);
        const int height = (int)(turned ? r->jpeg.image_width : r->jpeg.image_height);
        f->image = (cyg_image){ .format = CYG_RGB24, .width = width, .height = height, .depth = 8, .full_range = true,
                                .plane = { r->pixels }, .stride = { (ptrdiff_t)width * 3 } };
        f->memory = r->pixels;
        *info = r->info;
    } else {
        free(r->pixels);
        picture_info_free(&r->info);
    }
    jpeg_destroy_decompress(&r->jpeg);      /* does nothing to one that was never created */
    if (r->file) fclose(r->file);
    free(r->row);
    free(r);
    return status;
}

void picture_info_free(picture_info *info)
{
    free(info->exif);
    free(info->icc);
    *info = (picture_info){ 0 };
}

/* ---- Writing ------------------------------------------------------------------------- */

typedef struct writer {
    struct jpeg_compress_struct jpeg;
    trouble                     trouble;
    FILE                       *file;
} writer;

static void encode(writer *w, const cyg_image *image, const picture_info *info, int quality)
{
    struct jpeg_compress_struct *c = &w->jpeg;
    jpeg_create_compress(c);
    jpeg_stdio_dest(c, w->file);
    c->image_width = (JDIMENSION)image->width;
    c->image_height = (JDIMENSION)image->height;
    c->input_components = 3;
    c->in_color_space = JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    if (info && info->sampling_x && info->sampling_y) {
        c->comp_info[0].h_samp_factor = info->sampling_x;
        c->comp_info[0].v_samp_factor = info->sampling_y;
    }
    jpeg_start_compress(c, TRUE);
    if (info && info->exif) jpeg_write_marker(c, JPEG_APP0 + 1, info->exif, (unsigned)info->exif_size);
    if (info && info->icc) jpeg_write_icc_profile(c, info->icc, (unsigned)info->icc_size);
    while (c->next_scanline < c->image_height) {
        JSAMPROW row = image->plane[0] + (ptrdiff_t)c->next_scanline * image->stride[0];
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

static cyg_status write_all(writer *w, const cyg_image *image, const picture_info *info, const char *path, int quality,
                            cyg_error *err)
{
    w->jpeg.err = trouble_begin(&w->trouble);
    errno = 0;
    if (setjmp(w->trouble.out))
        return cyg_fail(err, trouble_status(&w->trouble), "%s: cannot be written: %s", path,
                        errno ? strerror(errno) : w->trouble.sentence);
    encode(w, image, info, quality);
    return CYG_OK;
}

cyg_status picture_write(const frame *f, const picture_info *info, const char *path, int quality, cyg_error *err)
{
    assert(f->image.format == CYG_RGB24);
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    char *part;
    if (asprintf(&part, "%.*s.%s.part", folder, path, path + folder) < 0)
        return cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    writer *w = calloc(1, sizeof *w);
    cyg_status status = w ? CYG_OK : cyg_fail(err, CYG_NO_MEMORY, "%s: out of memory", path);
    int fd = -1;
    if (!status) status = file_open_part(&fd, part, path, err);
    const int lock = status ? -1 : dup(fd);             /* until it has its name */
    if (!status && !(w->file = fdopen(fd, "wb"))) {
        status = cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
        unlink(part);
        close(fd);
    }
    if (!status) {
        status = write_all(w, &f->image, info, path, quality, err);
        jpeg_destroy_compress(&w->jpeg);
        if (fclose(w->file) && !status)
            status = cyg_fail(err, CYG_IO, "%s: cannot be written: %s", path, strerror(errno));
        if (!status && rename(part, path)) status = cyg_fail(err, CYG_IO, "%s: %s", path, strerror(errno));
        if (status) unlink(part);
    }
    if (lock >= 0) close(lock);
    free(w);
    free(part);
    return status;
}
