/* Cells of plain lines, 32 bytes at a time: x86-64 machines with AVX2, and compilers that let a file have such functions.
 *
 * All that is to be known of a cell is known at its divider, the byte behind its last digit: the bytes one, two and
 * three before it are its ones, tens and hundreds.  So the same is worked out at every byte, and kept at dividers.
 * No two dividers touch, so that of any two neighbouring bytes one at most is kept: 32 bytes fold into 16.
 * Include it behind Python.h; AVX2_CELLS tells whether there is anything here.
 */

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define AVX2_CELLS 1
#include <immintrin.h>

#define WITH_AVX2 __attribute__((target("avx2,popcnt")))

enum {
    WIDTH = 32,       /* bytes of a step */
    MOST_STEPS = 255, /* until a byte that counts may overflow */
    OVERRUN = 16,     /* bytes that may be overwritten behind the pixels of a line */
    ZERO_DIGIT = 0x76 /* digits become 0x76 to 0x7F, so that the highest bit tells all else from them */
};

/* What the steps of a line need. */
typedef struct {
    uint64_t places[256]; /* where bytes stand whose bit is set, close up, the first lowest */
    uint8_t inside[2 * WIDTH];
    uint8_t behind[2 * WIDTH]; /* a divider and digits, to be put behind the end of a line */
    __m256i separator;
    __m256i tens;     /* by ones' bits, ten times a digit */
    __m256i hundreds; /* the same, a hundred times 1 and 2 */
    __m256i excess;   /* what added to tens and ones, less a hundred, stays negative in cells up to 255 */
} Tables;

/* What the bytes so far come to. */
typedef struct {
    __m256i before; /* the last step's digits */
    __m256i wrong;  /* highest bits that are set: what is no cell of 0 to 255 */
} Course;

static int
has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

WITH_AVX2 static void
make_tables(Tables *tables, uint8_t separator)
{
    for (unsigned bits = 0; bits < 256; bits++) {
        uint64_t places = 0;
        for (unsigned place = 0, kept = 0; place < 8; place++) {
            if (bits >> place & 1) {
                places |= (uint64_t)place << 8 * kept++;
            }
        }
        tables->places[bits] = places;
    }
    memset(tables->inside, 0xFF, WIDTH);
    memset(tables->inside + WIDTH, 0, WIDTH);
    memset(tables->behind, 0, WIDTH);
    memset(tables->behind + WIDTH, '0', WIDTH);
    tables->behind[WIDTH] = separator;
    tables->separator = _mm256_set1_epi8((char)separator);
    tables->tens = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90));
    tables->hundreds =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 100, (char)200, 0, 0, 0, 0, 0, 0, 0));
    tables->excess = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 44, 100, 100, 100, 100, 100, 100, 100));
}

/* Judge one step; return 0xFF at each divider, and each cell's value there, and anything elsewhere. */
WITH_AVX2 static inline __m256i
judge_step(__m256i text, const Tables *tables, Course *course, __m256i *values)
{
    const __m256i no_digit = _mm256_set1_epi8((char)0x80);
    __m256i digits = _mm256_adds_epu8(_mm256_sub_epi8(text, _mm256_set1_epi8('0')), _mm256_set1_epi8(ZERO_DIGIT));
    __m256i dividers = _mm256_cmpeq_epi8(text, tables->separator);
    __m256i across = _mm256_permute2x128_si256(course->before, digits, 0x21);
    __m256i ones = _mm256_alignr_epi8(digits, across, 15), tens = _mm256_alignr_epi8(digits, across, 14);
    __m256i hundreds = _mm256_alignr_epi8(digits, across, 13), fourth = _mm256_alignr_epi8(digits, across, 12);
    hundreds = _mm256_or_si256(hundreds, _mm256_and_si256(tens, no_digit)); /* "7,12" has none */
    __m256i below = _mm256_add_epi8(_mm256_shuffle_epi8(tables->tens, tens),
                                    _mm256_sub_epi8(ones, _mm256_set1_epi8((char)(ZERO_DIGIT + 100)))); /* less 100 */
    __m256i small = _mm256_add_epi8(below, _mm256_shuffle_epi8(tables->excess, hundreds));
    __m256i good = _mm256_andnot_si256(ones, _mm256_and_si256(small, _mm256_or_si256(hundreds, fourth)));
    __m256i wrong = _mm256_or_si256(_mm256_xor_si256(digits, dividers), _mm256_andnot_si256(good, dividers));
    course->before = digits;
    course->wrong = _mm256_or_si256(course->wrong, wrong);
    *values = _mm256_add_epi8(_mm256_add_epi8(below, _mm256_set1_epi8(100)),
                              _mm256_shuffle_epi8(tables->hundreds, hundreds));
    return dividers;
}

/* Keep the values at dividers, close up: 16 bytes are overwritten.  Returns how many values there are. */
WITH_AVX2 static inline size_t
keep_values(__m256i values, __m256i dividers, const Tables *tables, uint8_t *to)
{
    const __m256i low = _mm256_set1_epi16(0xFF);
    values = _mm256_and_si256(values, dividers);
    values = _mm256_and_si256(_mm256_or_si256(values, _mm256_srli_epi16(values, 8)), low);
    dividers = _mm256_and_si256(_mm256_or_si256(dividers, _mm256_srli_epi16(dividers, 8)), low);
    /* Eight values, eight times whether there is one, and both again for the second half. */
    __m256i folded = _mm256_packus_epi16(values, dividers);
    uint32_t there = (uint32_t)_mm256_movemask_epi8(folded), first = there >> 8 & 255, second = there >> 24;
    size_t count = (size_t)_mm_popcnt_u32(first);
    _mm_storel_epi64((__m128i *)to, _mm_shuffle_epi8(_mm256_castsi256_si128(folded),
                                                     _mm_loadl_epi64((const __m128i *)&tables->places[first])));
    _mm_storel_epi64((__m128i *)(to + count),
                     _mm_shuffle_epi8(_mm256_extracti128_si256(folded, 1),
                                      _mm_loadl_epi64((const __m128i *)&tables->places[second])));
    return count + (size_t)_mm_popcnt_u32(second);
}

/* Load the last bytes of a line, fewer than a step has, with a divider and digits behind them. */
WITH_AVX2 static inline __m256i
load_last(const uint8_t *from, size_t size, const uint8_t *limit, const Tables *tables)
{
    uint8_t copy[WIDTH] = {0};
    if (limit - from < WIDTH) { /* nothing behind the text may be looked at */
        memcpy(copy, from, size);
        from = copy;
    }
    __m256i text = _mm256_loadu_si256((const __m256i *)from);
    text = _mm256_and_si256(text, _mm256_loadu_si256((const __m256i *)(tables->inside + WIDTH - size)));
    return _mm256_or_si256(text, _mm256_loadu_si256((const __m256i *)(tables->behind + WIDTH - size)));
}

WITH_AVX2 static inline size_t
sum_of(__m256i counts)
{
    __m256i sums = _mm256_sad_epu8(counts, _mm256_setzero_si256());
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    return (size_t)(_mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1));
}

/* Whether the bytes between two places are as many plain cells as there are values; nothing from limit on is read. */
WITH_AVX2 static int
are_cells(const uint8_t *from, const uint8_t *end, const uint8_t *limit, size_t values, const Tables *tables)
{
    Course course = {_mm256_set1_epi8((char)0x80), _mm256_setzero_si256()};
    __m256i unused;
    size_t count = 0;
    while (end - from >= WIDTH) {
        size_t steps = (size_t)(end - from) / WIDTH;
        __m256i counts = _mm256_setzero_si256();
        for (steps = steps < MOST_STEPS ? steps : MOST_STEPS; steps; steps--, from += WIDTH) {
            __m256i text = _mm256_loadu_si256((const __m256i *)from);
            counts = _mm256_sub_epi8(counts, judge_step(text, tables, &course, &unused));
        }
        count += sum_of(counts);
    }
    __m256i last = judge_step(load_last(from, (size_t)(end - from), limit, tables), tables, &course, &unused);
    count += sum_of(_mm256_sub_epi8(_mm256_setzero_si256(), last));
    return count == values && !_mm256_movemask_epi8(course.wrong);
}

/* The same, and read them into pixels, behind which OVERRUN bytes are overwritten with anything. */
WITH_AVX2 static int
read_cells(const uint8_t *from, const uint8_t *end, const uint8_t *limit, size_t values, const Tables *tables,
           uint8_t *pixels)
{
    Course course = {_mm256_set1_epi8((char)0x80), _mm256_setzero_si256()};
    __m256i found, dividers;
    size_t count = 0;
    for (; end - from >= WIDTH; from += WIDTH) {
        if (count > values) {
            return 0;
        }
        dividers = judge_step(_mm256_loadu_si256((const __m256i *)from), tables, &course, &found);
        count += keep_values(found, dividers, tables, pixels + count);
    }
    if (count > values) {
        return 0;
    }
    dividers = judge_step(load_last(from, (size_t)(end - from), limit, tables), tables, &course, &found);
    count += keep_values(found, dividers, tables, pixels + count);
    return count == values && !_mm256_movemask_epi8(course.wrong);
}

/* ------------------------------------------------------------------------------------- encode */

/* What writing needs: cells of four pixels, three digits and a separator each, lose their leading zeros. */
typedef struct {
    uint8_t shown[256][16]; /* which bytes stay, by which of four pixels are above 9, and above 99 */
    uint8_t zeros[2 * WIDTH];
    __m256i separators;
} Cutting;

WITH_AVX2 static void
make_cutting(Cutting *cutting, uint8_t separator)
{
    for (unsigned bits = 0; bits < 256; bits++) {
        uint8_t *shown = cutting->shown[bits];
        memset(shown, 0x80, 16);
        for (unsigned pixel = 0; pixel < 4; pixel++) {
            unsigned tens = bits >> pixel & 1, hundreds = bits >> (pixel + 4) & 1;
            for (unsigned i = hundreds ? 0 : tens ? 1 : 2; i < 4; i++) {
                *shown++ = (uint8_t)(4 * pixel + i);
            }
        }
    }
    for (unsigned i = 0; i < 2 * WIDTH; i += 2) {
        cutting->zeros[i] = '0';
        cutting->zeros[i + 1] = separator;
    }
    cutting->separators = _mm256_set1_epi8((char)separator);
}

/* Return 0xFF where a pixel is no less than some value. */
WITH_AVX2 static inline __m256i
from_on(__m256i pixels, uint8_t least)
{
    return _mm256_cmpeq_epi8(_mm256_max_epu8(pixels, _mm256_set1_epi8((char)least)), pixels);
}

/* Count the digits of pixels beyond the first of each; of so many pixels, a multiple of WIDTH. */
WITH_AVX2 static size_t
more_digits(const uint8_t *pixels, size_t count)
{
    size_t digits = 0;
    while (count) {
        __m256i counts = _mm256_setzero_si256();
        size_t most = MOST_STEPS / 2 * WIDTH; /* a step counts two at most */
        for (size_t left = most = count < most ? count : most; left; left -= WIDTH, pixels += WIDTH) {
            __m256i step = _mm256_loadu_si256((const __m256i *)pixels);
            counts = _mm256_sub_epi8(counts, _mm256_add_epi8(from_on(step, 10), from_on(step, 100)));
        }
        digits += sum_of(counts);
        count -= most;
    }
    return digits;
}

/* Return how many tens are in each of 32 numbers below 100. */
WITH_AVX2 static inline __m256i
tens_of(__m256i numbers)
{
    const __m256i tenth = _mm256_set1_epi16(6554); /* of 65536 */
    __m256i even = _mm256_mulhi_epu16(_mm256_and_si256(numbers, _mm256_set1_epi16(0xFF)), tenth);
    __m256i odd = _mm256_mulhi_epu16(_mm256_srli_epi16(numbers, 8), tenth);
    return _mm256_or_si256(even, _mm256_slli_epi16(odd, 8));
}

/* Write four cells without what is not shown; up to eight bytes behind them are overwritten with anything. */
WITH_AVX2 static inline uint8_t *
put_four(uint8_t *to, __m128i cells, const Cutting *cutting, unsigned bits)
{
    __m128i shown = _mm_loadu_si128((const __m128i *)cutting->shown[bits]);
    _mm_storeu_si128((__m128i *)to, _mm_shuffle_epi8(cells, shown));
    return to + 8 + _mm_popcnt_u32(bits);
}

/* Write pixels and their separators; up to eight bytes behind them are overwritten with anything. */
WITH_AVX2 static inline uint8_t *
put_step(uint8_t *to, __m256i pixels, const Cutting *cutting)
{
    const __m256i zero = _mm256_set1_epi8('0');
    __m256i hundred = from_on(pixels, 100), two = from_on(pixels, 200);
    uint32_t above_9 = (uint32_t)_mm256_movemask_epi8(from_on(pixels, 10));
    uint32_t above_99 = (uint32_t)_mm256_movemask_epi8(hundred);
    __m256i rest = _mm256_sub_epi8(pixels, _mm256_and_si256(_mm256_set1_epi8(100), hundred));
    rest = _mm256_sub_epi8(rest, _mm256_and_si256(_mm256_set1_epi8(100), two));
    __m256i tens = tens_of(rest), twice = _mm256_add_epi8(tens, tens);
    __m256i ones = _mm256_sub_epi8(rest, _mm256_add_epi8(twice, _mm256_slli_epi16(twice, 2)));
    __m256i hundreds = _mm256_sub_epi8(zero, _mm256_add_epi8(hundred, two));
    tens = _mm256_add_epi8(tens, zero);
    ones = _mm256_add_epi8(ones, zero);
    __m256i front = _mm256_unpacklo_epi8(hundreds, tens), back = _mm256_unpacklo_epi8(ones, cutting->separators);
    __m256i a = _mm256_unpacklo_epi16(front, back), b = _mm256_unpackhi_epi16(front, back);
    front = _mm256_unpackhi_epi8(hundreds, tens);
    back = _mm256_unpackhi_epi8(ones, cutting->separators);
    __m256i c = _mm256_unpacklo_epi16(front, back), d = _mm256_unpackhi_epi16(front, back);
    /* Four bits of each, side by side: those of pixels 0 to 3 lowest, of 8 to 11 next; and those between. */
    uint32_t even = (above_9 & 0x0F0F0F0Fu) | (above_99 & 0x0F0F0F0Fu) << 4;
    uint32_t odd = (above_9 >> 4 & 0x0F0F0F0Fu) | (above_99 & 0xF0F0F0F0u);
    to = put_four(to, _mm256_castsi256_si128(a), cutting, even & 255);
    to = put_four(to, _mm256_castsi256_si128(b), cutting, odd & 255);
    to = put_four(to, _mm256_castsi256_si128(c), cutting, even >> 8 & 255);
    to = put_four(to, _mm256_castsi256_si128(d), cutting, odd >> 8 & 255);
    to = put_four(to, _mm256_extracti128_si256(a, 1), cutting, even >> 16 & 255);
    to = put_four(to, _mm256_extracti128_si256(b, 1), cutting, odd >> 16 & 255);
    to = put_four(to, _mm256_extracti128_si256(c, 1), cutting, even >> 24);
    return put_four(to, _mm256_extracti128_si256(d, 1), cutting, odd >> 24);
}

/* Write so many pixels, a multiple of WIDTH; up to eight bytes behind them are overwritten with anything. */
WITH_AVX2 static uint8_t *
put_steps(uint8_t *to, const uint8_t *pixels, size_t count, const Cutting *cutting)
{
    for (; count; count -= WIDTH, pixels += WIDTH) {
        __m256i step = _mm256_loadu_si256((const __m256i *)pixels);
        if (_mm256_testz_si256(step, step)) { /* as much of a drawn image is */
            memcpy(to, cutting->zeros, 2 * WIDTH);
            to += 2 * WIDTH;
            continue;
        }
        to = put_step(to, step, cutting);
    }
    return to;
}

#else
#define AVX2_CELLS 0
#endif
