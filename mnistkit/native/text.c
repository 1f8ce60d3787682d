/* The text codec's inner loops: pixels to lines of decimal numbers, and plain lines back to pixels.
 *
 * Plain C99 against Python's limited API.  It knows two kinds of text: what it writes itself, and
 * "plain" lines, which hold nothing but whole numbers, separators and line ends.  About everything
 * else it says "not plain" and leaves the verdict, and the words of it, to Python.
 *
 * Loops over pixels run without the interpreter lock.  Those over single bytes are written so that
 * compilers turn them into vector instructions of whatever machine they compile for; where the machine
 * that runs them may have better ones, cells_avx2.h asks it.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cells_avx2.h"

enum {
    MOST_PIXEL_BYTES = 4,   /* "255," */
    MOST_LABEL_BYTES = 21,  /* "-9223372036854775808," */
    MOST_DIGITS = 18,       /* any whole number of so many digits fits int64 */
    LOOK_BACK = 3,          /* bytes before a byte that tell a cell's value */
    CHUNK = 240             /* bytes looked at in one go: at most 255, so that a byte can count them */
};

/* Turn eight bytes round where the machine has the highest first. */
static inline uint64_t
lowest_first(uint64_t bytes)
{
#if PY_BIG_ENDIAN
    bytes = (bytes & 0x00FF00FF00FF00FFu) << 8 | (bytes >> 8 & 0x00FF00FF00FF00FFu);
    bytes = (bytes & 0x0000FFFF0000FFFFu) << 16 | (bytes >> 16 & 0x0000FFFF0000FFFFu);
    bytes = bytes << 32 | bytes >> 32;
#endif
    return bytes;
}

/* Load eight bytes from anywhere, the first lowest. */
static inline uint64_t
load(const uint8_t *from)
{
    uint64_t bytes;
    memcpy(&bytes, from, sizeof bytes);
    return lowest_first(bytes);
}

/* Store eight bytes anywhere, the lowest first. */
static inline void
store(uint8_t *to, uint64_t bytes)
{
    bytes = lowest_first(bytes);
    memcpy(to, &bytes, sizeof bytes);
}

/* ------------------------------------------------------------------------------------- encode */

typedef struct {
    uint64_t text[256];  /* a pixel's digits and the separator, the first character lowest */
    uint8_t size[256];   /* how many characters that is */
    uint8_t zeros[16];   /* eight pixels of nothing */
    uint8_t separator;
#if AVX2_CELLS
    const Cutting *cutting; /* NULL where the machine has no AVX2, or is not to use it */
#endif
} Spelling;

static void
spell(Spelling *spelling, uint8_t separator)
{
    for (unsigned value = 0; value < 256; value++) {
        uint64_t text = 0;
        unsigned size = 0;
        for (unsigned unit = value > 99 ? 100 : value > 9 ? 10 : 1; unit; unit /= 10) {
            text |= (uint64_t)('0' + value / unit % 10) << (8 * size++);
        }
        spelling->text[value] = text | (uint64_t)separator << (8 * size);
        spelling->size[value] = (uint8_t)(size + 1);
    }
    for (int i = 0; i < 16; i += 2) {
        spelling->zeros[i] = '0';
        spelling->zeros[i + 1] = separator;
    }
    spelling->separator = separator;
}

/* How many characters these pixels take, each with its separator. */
static size_t
spelled_size(const uint8_t *pixels, size_t count)
{
    size_t size = 2 * count;
    while (count) {
        size_t n = count < CHUNK / 2 ? count : CHUNK / 2;
        uint8_t more = 0;
        for (size_t i = 0; i < n; i++) {
            more = (uint8_t)(more + (pixels[i] > 9) + (pixels[i] > 99));
        }
        size += more;
        pixels += n;
        count -= n;
    }
    return size;
}

static uint64_t
magnitude(int64_t number)
{
    return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

static size_t
number_size(int64_t number)
{
    size_t size = 1 + (number < 0);
    for (uint64_t rest = magnitude(number); rest > 9; rest /= 10) {
        size++;
    }
    return size;
}

static uint8_t *
put_number(uint8_t *to, int64_t number, uint8_t end)
{
    size_t size = number_size(number);
    uint64_t rest = magnitude(number);
    if (number < 0) {
        to[0] = '-';
    }
    for (size_t i = size; i > (size_t)(number < 0); i--) {
        to[i - 1] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    }
    to[size] = end;
    return to + size + 1;
}

/* Write one pixel after the other, and no byte more than that. */
static uint8_t *
put_exactly(uint8_t *to, const uint8_t *pixels, size_t count, const Spelling *spelling)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < spelling->size[pixels[i]]; k++) {
            *to++ = (uint8_t)(spelling->text[pixels[i]] >> (8 * k));
        }
    }
    return to;
}

/* Write many pixels at a time; up to eight bytes behind them are overwritten with anything. */
static uint8_t *
put_quickly(uint8_t *to, const uint8_t *pixels, size_t count, const Spelling *spelling)
{
#if AVX2_CELLS
    if (spelling->cutting) {
        size_t steps = count / WIDTH * WIDTH;
        to = put_steps(to, pixels, steps, spelling->cutting);
        pixels += steps;
        count -= steps;
    }
#endif
    for (; count >= 8; count -= 8, pixels += 8) {
        uint64_t eight;
        memcpy(&eight, pixels, 8);
        if (!eight) {
            memcpy(to, spelling->zeros, 16);
            to += 16;
            continue;
        }
        for (int i = 0; i < 8; i += 2) {
            unsigned first = spelling->size[pixels[i]];
            store(to, spelling->text[pixels[i]] | spelling->text[pixels[i + 1]] << (8 * first));
            to += first + spelling->size[pixels[i + 1]];
        }
    }
    return put_exactly(to, pixels, count, spelling);
}

typedef struct {
    const uint8_t *pixels;
    const uint8_t *labels; /* int64 of the machine's own order, perhaps unaligned; or NULL */
    size_t rows;
    size_t values;
    int label_last;
} Images;

static int64_t
number_at(const uint8_t *numbers, size_t i)
{
    int64_t number;
    memcpy(&number, numbers + i * sizeof number, sizeof number);
    return number;
}

static size_t
encoded_size(const Images *images, const Spelling *spelling)
{
    size_t count = images->rows * images->values, done = 0, size = 0;
#if AVX2_CELLS
    if (spelling->cutting) {
        done = count / WIDTH * WIDTH;
        size = 2 * done + more_digits(images->pixels, done);
    }
#endif
    (void)spelling;
    size += spelled_size(images->pixels + done, count - done);
    for (size_t i = 0; images->labels && i < images->rows; i++) {
        size += number_size(number_at(images->labels, i)) + 1;
    }
    return size;
}

static void
encode_lines(const Images *images, uint8_t *to, size_t size, const Spelling *spelling)
{
    const uint8_t *end = to + size;
    const size_t most = MOST_PIXEL_BYTES * images->values + MOST_LABEL_BYTES + 8;
    const uint8_t *pixels = images->pixels;
    for (size_t i = 0; i < images->rows; i++, pixels += images->values) {
        int roomy = (size_t)(end - to) >= most;
        if (images->labels && !images->label_last) {
            to = put_number(to, number_at(images->labels, i), spelling->separator);
        }
        to = roomy ? put_quickly(to, pixels, images->values, spelling)
                   : put_exactly(to, pixels, images->values, spelling);
        if (images->labels && images->label_last) {
            to = put_number(to, number_at(images->labels, i), spelling->separator);
        }
        to[-1] = '\n';
    }
}

/* ------------------------------------------------------------------------------------- decode */

typedef struct {
    size_t before;  /* columns of whole numbers before the pixels */
    size_t values;
    size_t after;
    uint8_t separator;
} Layout;

static inline int
is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') <= 9;
}

/* Read a whole number that fills from..end; 0 where that is no number, or one of too many digits. */
static int
read_number(const uint8_t *from, const uint8_t *end, int64_t *number)
{
    int negative = from < end && *from == '-';
    const uint8_t *digits = from + negative;
    if (digits >= end || end - digits > MOST_DIGITS) {
        return 0;
    }
    int64_t value = 0;
    for (; digits < end; digits++) {
        if (!is_digit(*digits)) {
            return 0;
        }
        value = value * 10 + (*digits - '0');
    }
    *number = negative ? -value : value;
    return 1;
}

/* Take a number and the separator behind it from the front of a line; NULL where that fails. */
static const uint8_t *
take_first(const uint8_t *from, const uint8_t *end, uint8_t separator, int64_t *number)
{
    size_t most = (size_t)(end - from) < MOST_DIGITS + 2 ? (size_t)(end - from) : MOST_DIGITS + 2;
    const uint8_t *stop = memchr(from, separator, most);
    return stop && read_number(from, stop, number) ? stop + 1 : NULL;
}

/* Take a number and the separator before it from the end of a line; NULL where that fails. */
static const uint8_t *
take_last(const uint8_t *from, const uint8_t *end, uint8_t separator, int64_t *number)
{
    const uint8_t *start = end;
    while (start > from && start[-1] != separator && end - start <= MOST_DIGITS + 1) {
        start--;
    }
    return start > from && read_number(start, end, number) ? start - 1 : NULL;
}

/* What a chunk of cells comes to. */
typedef struct {
    uint8_t wrong;      /* not 0 where anything is no cell of 0 to 255 */
    uint8_t separators;
} Look;

/* Judge count bytes of cells, at most CHUNK; the LOOK_BACK bytes before them are looked at too. */
static inline Look
look(const uint8_t *text, size_t count, uint8_t separator)
{
    uint8_t ones[LOOK_BACK + CHUNK], are_digits[LOOK_BACK + CHUNK]; /* true is 0xFF, as vectors have it */
    uint8_t wrong = 0, separators = 0;
    for (size_t i = 0; i < count + LOOK_BACK; i++) {
        ones[i] = (uint8_t)(text[(Py_ssize_t)i - LOOK_BACK] - '0');
        are_digits[i] = (uint8_t)-(ones[i] <= 9);
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t divides = (uint8_t)-(text[i] == separator);
        uint8_t tens = (uint8_t)(ones[i + 2] * 10 + ones[i + 3]), hundred = ones[i + 1];
        uint8_t above = (uint8_t)(-(hundred > 2) | (-(hundred == 2) & -(tens > 55)));
        uint8_t three = are_digits[i + 3] & are_digits[i + 2] & are_digits[i + 1];
        wrong |= (uint8_t)(~(are_digits[i + 3] | divides) | (divides & ~are_digits[i + 2]));
        wrong |= (uint8_t)(three & (are_digits[i] | above));
        separators = (uint8_t)(separators - divides);
    }
    return (Look){wrong, separators};
}

/* Read cells one by one until there is nothing left to read or to fill; 1 where both end together. */
static int
read_rest(const uint8_t *from, const uint8_t *end, uint8_t separator, uint8_t *pixels, const uint8_t *limit)
{
    while (pixels < limit) {
        unsigned value = 0, digits = 0;
        for (; from < end && is_digit(*from) && digits < 3; digits++) {
            value = value * 10 + (*from++ - '0');
        }
        if (!digits || value > 255) {
            return 0;
        }
        *pixels++ = (uint8_t)value;
        if (from == end) {
            return pixels == limit;
        }
        if (*from++ != separator) {
            return 0;
        }
    }
    return 0;
}

/* Return how many times eight bytes can be read and four pixels filled, whatever they are. */
static inline size_t
steps_left(const uint8_t *from, const uint8_t *end, const uint8_t *pixels, const uint8_t *limit)
{
    size_t bytes = (size_t)(end - from) / 8, cells = (size_t)(limit - pixels) / 4;
    return bytes < cells ? bytes : cells;
}

/* Return the number of the lowest bit that is set; there is one. */
static inline unsigned
lowest_bit(uint32_t bits)
{
#if defined(__GNUC__) || defined(__clang__)
    return (unsigned)__builtin_ctz(bits);
#else
    unsigned bit = 0;
    for (; !(bits & 1); bits >>= 1) {
        bit++;
    }
    return bit;
#endif
}

/* Read cell after cell into `pixels`, of which there must be layout->values; 0 where they are not plain.
 *
 * Faults are gathered and looked at once, so that nothing but the shape of the text is branched on.
 */
static int
read_pixels(const uint8_t *from, const uint8_t *end, const Layout *layout, uint8_t *pixels)
{
    const uint8_t separator = layout->separator, *limit = pixels + layout->values;
    const uint64_t zeros = 0x3030303030303030u, second = 0xFF00FF00FF00FF00u;
    const uint64_t dividers = (0x0100010001000100u * separator) ^ (zeros & second);
    const uint32_t divider = (0x01010101u * separator) ^ (uint32_t)zeros;
    uint64_t wrong = 0;
    for (size_t steps; (steps = steps_left(from, end, pixels, limit));) {
        do {
            uint64_t text = load(from) ^ zeros;
            if (text == dividers) { /* four zeros, as most of a drawn image is */
                memset(pixels, 0, 4);
                pixels += 4;
                from += 8;
                continue;
            }
            uint32_t other = (uint32_t)text ^ divider; /* 0 where the separator is */
            uint32_t ends = (other - 0x01010101u) & ~other & 0x80808000u;
            wrong |= !ends;
            unsigned bit = lowest_bit(ends | 0x80000000u); /* 15, 23 or 31: one to three digits */
            uint32_t digits = (uint32_t)((uint64_t)(uint32_t)text << (39 - bit)) >> 8;
            unsigned value = (digits & 255) * 100 + (digits >> 8 & 255) * 10 + (digits >> 16);
            wrong |= (((digits + 0x767676u) | digits) & 0x808080u) | value >> 8;
            *pixels++ = (uint8_t)value;
            from += (bit + 1) >> 3;
        } while (--steps);
    }
    return !wrong && read_rest(from, end, separator, pixels, limit);
}

/* Whether the bytes between two places are as many plain cells as there are pixels. */
static int
are_pixels(const uint8_t *from, const uint8_t *end, const Layout *layout)
{
    size_t separators = 0;
    while (from < end) {
        size_t count = end - from < CHUNK ? (size_t)(end - from) : CHUNK;
        Look seen = count < CHUNK ? look(from, count, layout->separator) : look(from, CHUNK, layout->separator);
        if (seen.wrong) {
            return 0;
        }
        separators += seen.separators;
        from += count;
    }
    return separators == layout->values - 1 && is_digit(end[-1]);
}

typedef struct {
    const uint8_t *text;
    size_t size;
    size_t rows;       /* how many there is room for */
    uint8_t *pixels;   /* rows x values, or NULL */
    uint8_t *integers; /* (before + after) x rows int64 */
    uint8_t *starts;   /* rows int64: where each line begins, or NULL */
    uint8_t *margin;   /* LOOK_BACK bytes that are no digits, and room for the longest line */
#if AVX2_CELLS
    const Tables *tables; /* NULL where the machine has no AVX2, or is not to use it */
#endif
} Block;

static size_t
most_line_bytes(const Layout *layout)
{
    return MOST_PIXEL_BYTES * layout->values + (layout->before + layout->after) * (MOST_DIGITS + 2) + 2;
}

static int
take_pixels(const Block *block, size_t row, const uint8_t *from, const uint8_t *end, const Layout *layout)
{
    uint8_t *pixels = block->pixels ? block->pixels + row * layout->values : NULL;
#if AVX2_CELLS
    const uint8_t *limit = block->text + block->size;
    if (block->tables && !pixels) {
        return are_cells(from, end, limit, layout->values, block->tables);
    }
    if (block->tables && (block->rows - row - 1) * layout->values >= OVERRUN) {
        return read_cells(from, end, limit, layout->values, block->tables, pixels);
    }
#endif
    if (pixels) {
        return read_pixels(from, end, layout, pixels);
    }
    if (from - block->text < LOOK_BACK) {
        /* Nothing before the block may be looked at, so its first bytes are looked at in a copy. */
        memcpy(block->margin + LOOK_BACK, from, (size_t)(end - from));
        end = block->margin + LOOK_BACK + (end - from);
        from = block->margin + LOOK_BACK;
    }
    return are_pixels(from, end, layout);
}

static void
put_integer(const Block *block, size_t column, size_t row, int64_t number)
{
    memcpy(block->integers + (column * block->rows + row) * sizeof number, &number, sizeof number);
}

static int
read_line(const Block *block, size_t row, const uint8_t *from, const uint8_t *end, const Layout *layout)
{
    int64_t number;
    for (size_t i = 0; i < layout->before; i++) {
        if (!(from = take_first(from, end, layout->separator, &number))) {
            return 0;
        }
        put_integer(block, i, row, number);
    }
    for (size_t i = layout->before + layout->after; i > layout->before; i--) {
        if (!(end = take_last(from, end, layout->separator, &number))) {
            return 0;
        }
        put_integer(block, i - 1, row, number);
    }
    return from < end && take_pixels(block, row, from, end, layout);
}

/* Read whole lines and return how many; -1 where they are not plain, or more than there is room for. */
static Py_ssize_t
read_lines(const Block *block, const Layout *layout)
{
    const uint8_t *from = block->text, *stop = block->text + block->size;
    size_t row = 0;
    for (; from < stop && row < block->rows; row++) {
        const uint8_t *end = memchr(from, '\n', (size_t)(stop - from));
        if (!end || (size_t)(end - from) > most_line_bytes(layout)) {
            return -1;
        }
        if (block->starts) {
            int64_t start = from - block->text;
            memcpy(block->starts + row * sizeof start, &start, sizeof start);
        }
        int has_return = end > from && end[-1] == '\r';
        if (!read_line(block, row, from, end - has_return, layout)) {
            return -1;
        }
        from = end + 1;
    }
    return from == stop ? (Py_ssize_t)row : -1;
}

/* ------------------------------------------------------------------------------------- lines */

static size_t
count_lines(const uint8_t *text, size_t size)
{
    const uint8_t *from = text, *stop = text + size;
    size_t lines = 0;
    while (from < stop && (from = memchr(from, '\n', (size_t)(stop - from)))) {
        lines++;
        from++;
    }
    return lines;
}

/* Note where each line begins, as int64 of the machine's own order. */
static void
find_starts(const uint8_t *text, size_t size, uint8_t *starts)
{
    const uint8_t *from = text, *stop = text + size, *end;
    for (; from < stop && (end = memchr(from, '\n', (size_t)(stop - from))); from = end + 1) {
        int64_t start = from - text;
        memcpy(starts, &start, sizeof start);
        starts += sizeof start;
    }
}

/* ------------------------------------------------------------------------------------- Python */

static int
count_of(Py_ssize_t given, const char *name, Py_ssize_t least, size_t *count)
{
    if (given < least || given > PY_SSIZE_T_MAX / 64) {
        PyErr_Format(PyExc_ValueError, "%s: %zd is out of range", name, given);
        return 0;
    }
    *count = (size_t)given;
    return 1;
}

static int
is_size(const Py_buffer *buffer, size_t size, const char *name)
{
    if ((size_t)buffer->len != size) {
        PyErr_Format(PyExc_ValueError, "%s: expected %zu bytes, found %zd", name, size, buffer->len);
        return 0;
    }
    return 1;
}

/* A byte that numbers or lines are made of divides nothing. */
static int
is_separator(uint8_t byte)
{
    if (is_digit(byte) || byte == '-' || byte == '\n' || byte == '\r') {
        PyErr_Format(PyExc_ValueError, "separator: %d is no separator", (int)byte);
        return 0;
    }
    return 1;
}

static PyObject *
encoded(const Images *images, uint8_t separator, int quick)
{
    Spelling spelling;
    size_t size;
#if AVX2_CELLS
    Cutting cutting;
#endif
    (void)quick;
    Py_BEGIN_ALLOW_THREADS
    spell(&spelling, separator);
#if AVX2_CELLS
    spelling.cutting = quick && has_avx2() ? &cutting : NULL;
    if (spelling.cutting) {
        make_cutting(&cutting, separator);
    }
#endif
    size = encoded_size(images, &spelling);
    Py_END_ALLOW_THREADS
    PyObject *text = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    uint8_t *to = text ? (uint8_t *)PyBytes_AsString(text) : NULL;
    if (to) {
        Py_BEGIN_ALLOW_THREADS
        encode_lines(images, to, size, &spelling);
        Py_END_ALLOW_THREADS
    }
    return text;
}

PyDoc_STRVAR(encode_doc,
"encode(pixels, labels, values, separator, label_last, quick=True)\n--\n\n"
"Return one line for each `values` bytes of `pixels`; labels are int64 or None.\n\n"
"Not quick is what all machines can; it gives the same.");

static PyObject *
encode(PyObject *module, PyObject *args)
{
    Py_buffer pixels, labels = {0};
    PyObject *given;
    Py_ssize_t values;
    unsigned char separator;
    Images images = {0};
    int quick = 1;
    PyObject *text = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*Onbp|p:encode", &pixels, &given, &values, &separator, &images.label_last,
                          &quick)) {
        return NULL;
    }
    if (!is_separator(separator) || !count_of(values, "values", 1, &images.values)) {
        goto done;
    }
    images.pixels = pixels.buf;
    images.rows = (size_t)pixels.len / images.values;
    if (!is_size(&pixels, images.rows * images.values, "pixels")) {
        goto done;
    }
    if (given != Py_None) {
        if (PyObject_GetBuffer(given, &labels, PyBUF_SIMPLE) < 0) {
            goto done;
        }
        images.labels = labels.buf;
        if (!is_size(&labels, images.rows * sizeof(int64_t), "labels")) {
            goto done;
        }
    }
    text = encoded(&images, separator, quick);
done:
    PyBuffer_Release(&labels);
    PyBuffer_Release(&pixels);
    return text;
}

/* Lend the block what it needs and read its lines; NULL where there is no memory. */
static PyObject *
lines_read(Block *block, const Layout *layout, int quick)
{
    Py_ssize_t rows = -1;
#if AVX2_CELLS
    Tables tables;
#endif
    (void)quick;
    Py_BEGIN_ALLOW_THREADS
#if AVX2_CELLS
    if (quick && has_avx2()) {
        make_tables(&tables, layout->separator);
        block->tables = &tables;
    }
#endif
    block->margin = malloc(LOOK_BACK + most_line_bytes(layout));
    if (block->margin) {
        memset(block->margin, '\n', LOOK_BACK);
        rows = read_lines(block, layout);
        free(block->margin);
    }
    Py_END_ALLOW_THREADS
    return block->margin ? PyLong_FromSsize_t(rows) : PyErr_NoMemory();
}

static int
take_layout(Layout *layout, Py_ssize_t before, Py_ssize_t values, Py_ssize_t after)
{
    return is_separator(layout->separator) && count_of(before, "before", 0, &layout->before)
           && count_of(values, "values", 1, &layout->values) && count_of(after, "after", 0, &layout->after);
}

/* Read or judge lines: what `format` takes are the arguments of decode or of survey, which differ in the last
 * buffer: pixels, or as int64 where each line begins. */
static PyObject *
read_or_survey(PyObject *args, const char *format, int starts_alone)
{
    Py_buffer text, integers, last;
    Py_ssize_t before, values, after;
    Layout layout = {0};
    int quick = 1;
    PyObject *rows = NULL;
    if (!PyArg_ParseTuple(args, format, &text, &layout.separator, &before, &values, &after, &integers, &last,
                          &quick)) {
        return NULL;
    }
    if (take_layout(&layout, before, values, after)) {
        size_t row = starts_alone ? sizeof(int64_t) : layout.values;
        Block block = {.text = text.buf, .size = (size_t)text.len, .integers = integers.buf};
        block.rows = (size_t)last.len / row;
        if (starts_alone) {
            block.starts = last.buf;
        }
        else {
            block.pixels = last.buf;
        }
        if (is_size(&last, block.rows * row, starts_alone ? "starts" : "pixels")
            && is_size(&integers, (layout.before + layout.after) * block.rows * sizeof(int64_t), "integers")) {
            rows = lines_read(&block, &layout, quick);
        }
    }
    PyBuffer_Release(&last);
    PyBuffer_Release(&integers);
    PyBuffer_Release(&text);
    return rows;
}

PyDoc_STRVAR(decode_doc,
"decode(text, separator, before, values, after, integers, pixels, quick=True)\n--\n\n"
"Read plain lines into int64 columns and uint8 pixels; return how many there are.\n\n"
"Returns -1 where they are not plain or more than there is room for: the buffers hold anything then.\n"
"As to quick, see encode.");

static PyObject *
decode(PyObject *module, PyObject *args)
{
    (void)module;
    return read_or_survey(args, "y*bnnnw*w*|p:decode", 0);
}

PyDoc_STRVAR(survey_doc,
"survey(text, separator, before, values, after, integers, starts, quick=True)\n--\n\n"
"Judge lines as decode does, and note where each begins, as int64, in place of its pixels.");

static PyObject *
survey(PyObject *module, PyObject *args)
{
    (void)module;
    return read_or_survey(args, "y*bnnnw*w*|p:survey", 1);
}

PyDoc_STRVAR(count_doc, "count(text)\n--\n\nCount the line ends.");

static PyObject *
count(PyObject *module, PyObject *given)
{
    Py_buffer text;
    size_t lines;
    (void)module;
    if (PyObject_GetBuffer(given, &text, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    lines = count_lines(text.buf, (size_t)text.len);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&text);
    return PyLong_FromSize_t(lines);
}

PyDoc_STRVAR(starts_doc, "starts(text)\n--\n\nReturn where each whole line begins, as the bytes of int64.");

static PyObject *
starts(PyObject *module, PyObject *given)
{
    Py_buffer text;
    size_t lines;
    (void)module;
    if (PyObject_GetBuffer(given, &text, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    lines = count_lines(text.buf, (size_t)text.len);
    Py_END_ALLOW_THREADS
    PyObject *found = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(lines * sizeof(int64_t)));
    uint8_t *to = found ? (uint8_t *)PyBytes_AsString(found) : NULL;
    if (to) {
        Py_BEGIN_ALLOW_THREADS
        find_starts(text.buf, (size_t)text.len, to);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&text);
    return found;
}

static PyMethodDef functions[] = {
    {"count", count, METH_O, count_doc},
    {"starts", starts, METH_O, starts_doc},
    {"encode", encode, METH_VARARGS, encode_doc},
    {"decode", decode, METH_VARARGS, decode_doc},
    {"survey", survey, METH_VARARGS, survey_doc},
    {NULL, NULL, 0, NULL},
};

/* No state: any number of interpreters may load it. */
static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "mnistkit.native.text",
    .m_doc = "The text codec's inner loops in C.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_text(void)
{
    return PyModuleDef_Init(&definition);
}
