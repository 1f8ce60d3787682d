/* Small PNG files of one kind, unpacked a batch at a time.
 *
 * Plain C99 against Python's limited API.  It knows sound files of IHDR, one IDAT and IEND (ISO/IEC 15948),
 * the header of which it is given, packed as RFC 1950 and 1951 say.  About any other it says "not plain"
 * and leaves the verdict, and the words of it, to Python; where zlib takes what this refuses, zlib decides.
 *
 * A batch is done without the interpreter lock, which unpacking one file after the other from Python would
 * give away and have back each time.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inflate.h"

/* ------------------------------------------------------------------------------------ unfilter */

static uint8_t
paeth(int left, int above, int corner)
{
    int far_left = abs(above - corner), far_above = abs(left - corner), far = abs(left + above - 2 * corner);
    return (uint8_t)(far_left <= far_above && far_left <= far ? left : far_above <= far ? above : corner);
}

/* What a filter of clause 9 predicts. */
static inline uint8_t
predicted(unsigned filter, uint8_t left, uint8_t above, uint8_t corner)
{
    switch (filter) {
    case 1:
        return left;
    case 2:
        return above;
    case 3:
        return (uint8_t)((left + above) / 2);
    default:
        return paeth(left, above, corner);
    }
}

/* Undo a filter that is known where this is compiled into; `above` is a row of zeros before the first. */
static inline void
undo(unsigned filter, const uint8_t *row, size_t size, size_t pixel, const uint8_t *above, uint8_t *to)
{
    for (size_t i = 0; i < pixel; i++) {
        to[i] = (uint8_t)(row[i] + predicted(filter, 0, above[i], 0));
    }
    for (size_t i = pixel; i < size; i++) {
        to[i] = (uint8_t)(row[i] + predicted(filter, to[i - pixel], above[i], above[i - pixel]));
    }
}

/* Put a row behind its filter into an image; 0 where there is no such filter. */
static int
place_row(const uint8_t *row, size_t size, size_t pixel, const uint8_t *above, uint8_t *to)
{
    switch (*row++) {
    case 0:
        memcpy(to, row, size);
        return 1;
    case 1:
        undo(1, row, size, pixel, above, to);
        return 1;
    case 2:
        undo(2, row, size, pixel, above, to);
        return 1;
    case 3:
        undo(3, row, size, pixel, above, to);
        return 1;
    case 4:
        undo(4, row, size, pixel, above, to);
        return 1;
    default:
        return 0;
    }
}

/* --------------------------------------------------------------------------------------- files */

static const uint8_t END[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 'B', 0x60, 0x82};

typedef struct {
    const uint8_t *header; /* signature and IHDR of every file */
    size_t header_size;
    size_t height;
    size_t row;   /* bytes of one row without its filter */
    size_t pixel; /* bytes of one pixel */
    int is_wide;  /* samples have two bytes, the highest first */
} Kind;

typedef struct {
    const uint8_t *data;
    size_t size;
} File;

typedef struct {
    AllCodes codes;
    CrcTables crc;
    uint8_t *zeros; /* as many as a row has bytes */
    uint8_t *rows;  /* room for one image: each row behind its filter */
} Desk;

/* Turn samples of two bytes into the machine's own order. */
static void
to_native(uint8_t *image, size_t size)
{
    for (size_t i = 0; i < size; i += 2) {
        uint16_t sample = (uint16_t)(image[i] << 8 | image[i + 1]);
        memcpy(image + i, &sample, sizeof sample);
    }
}

static int
decode_file(const File *file, const Kind *kind, Desk *desk, uint8_t *image)
{
    const size_t around = kind->header_size + 8 + 4 + sizeof END;
    if (file->size < around || memcmp(file->data, kind->header, kind->header_size) != 0) {
        return 0;
    }
    const uint8_t *chunk = file->data + kind->header_size, *end = file->data + file->size - sizeof END;
    size_t packed = file->size - around;
    if (big_endian(chunk) != packed || memcmp(chunk + 4, "IDAT", 4) != 0 || memcmp(end, END, sizeof END) != 0
        || big_endian(end - 4) != crc_of(chunk + 4, packed + 4, desk->crc)
        || !unpack(chunk + 8, packed, &desk->codes, desk->rows, kind->height * (kind->row + 1))) {
        return 0;
    }
    const uint8_t *above = desk->zeros;
    for (size_t y = 0; y < kind->height; y++, above = image, image += kind->row) {
        if (!place_row(desk->rows + y * (kind->row + 1), kind->row, kind->pixel, above, image)) {
            return 0;
        }
    }
    if (kind->is_wide) {
        to_native(image - kind->height * kind->row, kind->height * kind->row);
    }
    return 1;
}

static Desk *
made_desk(const Kind *kind)
{
    Desk *desk = malloc(sizeof *desk + kind->row + kind->height * (kind->row + 1));
    if (!desk) {
        return NULL;
    }
    desk->zeros = (uint8_t *)(desk + 1);
    desk->rows = desk->zeros + kind->row;
    memset(desk->zeros, 0, kind->row);
    fill_tables(desk->crc);
    make_fixed_codes(&desk->codes);
    return desk;
}

/* Decode files, noting for each whether it is plain; 0 where there is no memory. */
static int
decode_files(const File *files, size_t count, const Kind *kind, uint8_t *images, char *are_plain)
{
    Desk *desk = made_desk(kind);
    if (!desk) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        are_plain[i] = (char)decode_file(files + i, kind, desk, images + i * kind->height * kind->row);
    }
    free(desk);
    return 1;
}

/* -------------------------------------------------------------------------------------- Python */

/* Note where each file is; NULL where one is no bytes. */
static File *
gathered(PyObject *given, Py_ssize_t count)
{
    File *files = malloc((size_t)count * sizeof *files + 1);
    if (!files) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        char *data;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(given, i), &data, &size) < 0) {
            free(files);
            return NULL;
        }
        files[i] = (File){(const uint8_t *)data, (size_t)size};
    }
    return files;
}

static PyObject *
decoded(PyObject *given, const Kind *kind, uint8_t *images)
{
    Py_ssize_t count = PyTuple_Size(given);
    File *files = gathered(given, count);
    PyObject *are_plain = files ? PyBytes_FromStringAndSize(NULL, count) : NULL;
    char *noted = are_plain ? PyBytes_AsString(are_plain) : NULL;
    int done = 0;
    if (noted) {
        Py_BEGIN_ALLOW_THREADS
        done = decode_files(files, (size_t)count, kind, images, noted);
        Py_END_ALLOW_THREADS
        if (!done) {
            Py_DECREF(are_plain);
            are_plain = PyErr_NoMemory();
        }
    }
    free(files);
    return are_plain;
}

PyDoc_STRVAR(decode_doc,
"decode(files, header, height, row, pixel, is_wide, images)\n--\n\n"
"Decode files into the rows of `images`; return one byte for each file, 1 where it is plain, otherwise 0.\n\n"
"`files` is a tuple of bytes, `header` the signature and IHDR that all have, `row` and `pixel` are bytes,\n"
"`is_wide` is for samples of 16 bits.  What `images` hold of a file that is not plain is undefined.");

static PyObject *
decode(PyObject *module, PyObject *args)
{
    Py_buffer header, images;
    PyObject *files, *are_plain = NULL;
    Py_ssize_t height, row, pixel;
    Kind kind = {0};
    (void)module;
    if (!PyArg_ParseTuple(args, "O!y*nnnpw*:decode", &PyTuple_Type, &files, &header, &height, &row, &pixel,
                          &kind.is_wide, &images)) {
        return NULL;
    }
    if (height < 1 || row < 1 || pixel < 1 || row % pixel || pixel % (1 + kind.is_wide)
        || height > (PY_SSIZE_T_MAX >> 16) / (row + 1)) {
        PyErr_Format(PyExc_ValueError, "%zd rows of %zd bytes, %zd a pixel, are no image", height, row, pixel);
    }
    else if (images.len / (height * row) != PyTuple_Size(files) || images.len % (height * row)) {
        PyErr_Format(PyExc_ValueError, "images: expected %zd of %zd bytes, found %zd bytes", PyTuple_Size(files),
                     height * row, images.len);
    }
    else {
        kind.header = header.buf;
        kind.header_size = (size_t)header.len;
        kind.height = (size_t)height;
        kind.row = (size_t)row;
        kind.pixel = (size_t)pixel;
        are_plain = decoded(files, &kind, images.buf);
    }
    PyBuffer_Release(&images);
    PyBuffer_Release(&header);
    return are_plain;
}

static PyMethodDef functions[] = {
    {"decode", decode, METH_VARARGS, decode_doc},
    {NULL, NULL, 0, NULL},
};

/* No state: any number of interpreters may load it. */
static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "mnistkit.native.png",
    .m_doc = "Small PNG files of one kind, unpacked in C.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_png(void)
{
    return PyModuleDef_Init(&definition);
}
