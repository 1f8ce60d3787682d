/* Inflate, and the checksums that go with it: RFC 1950, RFC 1951 and clause 5 of ISO/IEC 15948.
 *
 * Into memory whose size is known, and strict: what zlib would refuse is refused, and a little more, such as
 * a code for distances that is not complete.  Made for streams of a few hundred bytes.  Include it behind Python.h.
 */

#include <stdint.h>
#include <string.h>

enum {
    MOST_BITS = 15,      /* of a code */
    QUICK_BITS = 9,      /* of codes that are looked up at once */
    LITERALS = 288,
    DISTANCES = 32,
    END_OF_BLOCK = 256,
    NO_SYMBOL = 0xFFFF,
    ADLER_MODULUS = 65521,
    ADLER_RUN = 5552,    /* bytes that can be summed before 32 bits overflow */
    ADLER_BYTES = 16,    /* taken at once */
    CRC_BYTES = 8
};

/* RFC 1951, 3.2.5: the least length and distance of each symbol, and how many bits add to it. */
static const uint16_t LENGTHS[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                     31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t LENGTH_BITS[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                        2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t FAR[30] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t FAR_BITS[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                     6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
/* RFC 1951, 3.2.7: the order in which lengths of the codes for lengths come. */
static const uint8_t ORDER[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

static uint32_t
big_endian(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* Load eight bytes from anywhere, the first lowest. */
static inline uint64_t
load(const uint8_t *from)
{
    uint64_t bytes;
    memcpy(&bytes, from, sizeof bytes);
#if PY_BIG_ENDIAN
    bytes = (bytes & 0x00FF00FF00FF00FFu) << 8 | (bytes >> 8 & 0x00FF00FF00FF00FFu);
    bytes = (bytes & 0x0000FFFF0000FFFFu) << 16 | (bytes >> 16 & 0x0000FFFF0000FFFFu);
    bytes = bytes << 32 | bytes >> 32;
#endif
    return bytes;
}

/* ------------------------------------------------------------------------------------ checksums */

typedef uint32_t CrcTables[CRC_BYTES][256];

static void
fill_tables(CrcTables tables)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
        tables[0][i] = crc;
    }
    for (int k = 1; k < CRC_BYTES; k++) {
        for (int i = 0; i < 256; i++) {
            tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
        }
    }
}

static uint32_t
crc_of(const uint8_t *bytes, size_t size, CrcTables tables)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (; size >= CRC_BYTES; size -= CRC_BYTES, bytes += CRC_BYTES) {
        uint32_t next = 0;
        for (int k = 0; k < 4; k++) {
            next ^= tables[7 - k][(crc >> 8 * k & 255) ^ bytes[k]] ^ tables[3 - k][bytes[4 + k]];
        }
        crc = next;
    }
    while (size--) {
        crc = crc >> 8 ^ tables[0][(crc & 255) ^ *bytes++];
    }
    return ~crc;
}

static uint32_t
adler_of(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 1, sums = 0;
    while (size) {
        size_t left = size < ADLER_RUN ? size : ADLER_RUN;
        size -= left;
        for (; left >= ADLER_BYTES; left -= ADLER_BYTES, bytes += ADLER_BYTES) {
            uint16_t run = 0, weighted = 0; /* 16 bits hold both, and are what vectors can multiply */
            for (unsigned i = 0; i < ADLER_BYTES; i++) {
                run = (uint16_t)(run + bytes[i]);
                weighted = (uint16_t)(weighted + bytes[i] * (ADLER_BYTES - i));
            }
            sums += ADLER_BYTES * sum + weighted;
            sum += run;
        }
        while (left--) {
            sum += *bytes++;
            sums += sum;
        }
        sum %= ADLER_MODULUS;
        sums %= ADLER_MODULUS;
    }
    return sums << 16 | sum;
}

/* --------------------------------------------------------------------------------------- codes */

typedef struct {
    const uint8_t *next;
    const uint8_t *end;
    uint64_t bits; /* the next lowest */
    unsigned held; /* how many of them count */
} Bits;

typedef struct {
    uint16_t quick[1 << QUICK_BITS]; /* symbol << 4 | bits of its code; 0 where the code is longer */
    uint16_t first[MOST_BITS + 1];   /* the least code of so many bits */
    uint16_t count[MOST_BITS + 1];   /* how many codes have so many bits */
    uint16_t start[MOST_BITS + 1];   /* where their symbols begin */
    uint16_t symbols[LITERALS];      /* in the order of codes */
} Codes;

/* Hold 56 bits at least, or all that are left: a length and a distance take 48. */
static inline void
refill(Bits *bits)
{
    if (bits->end - bits->next >= 8) {
        bits->bits |= load(bits->next) << bits->held;
        bits->next += (63 - bits->held) / 8; /* what is held of the next byte will be held again, the same */
        bits->held |= 56;
        return;
    }
    while (bits->held <= 56 && bits->next < bits->end) {
        bits->bits |= (uint64_t)*bits->next++ << bits->held;
        bits->held += 8;
    }
}

/* Take so many bits, at most 16, that are held; 0 where they are not there. */
static inline int
take(Bits *bits, unsigned count, unsigned *value)
{
    if (count > bits->held) {
        return 0;
    }
    *value = (unsigned)(bits->bits & ((1u << count) - 1));
    bits->bits >>= count;
    bits->held -= count;
    return 1;
}

static unsigned
turned_round(unsigned code, unsigned count)
{
    unsigned turned = 0;
    for (; count--; code >>= 1) {
        turned = turned << 1 | (code & 1);
    }
    return turned;
}

/* Make the codes of symbols from their lengths; 0 where those are no complete set of codes. */
static int
make_codes(Codes *codes, const uint8_t *lengths, unsigned symbols)
{
    uint16_t next[MOST_BITS + 1];
    unsigned code = 0, start = 0;
    memset(codes->count, 0, sizeof codes->count);
    for (unsigned i = 0; i < symbols; i++) {
        codes->count[lengths[i]]++;
    }
    codes->count[0] = 0;
    for (unsigned bits = 1; bits <= MOST_BITS; bits++) {
        code <<= 1;
        codes->first[bits] = (uint16_t)code;
        codes->start[bits] = next[bits] = (uint16_t)start;
        code += codes->count[bits];
        start += codes->count[bits];
        if (code > 1u << bits) {
            return 0;
        }
    }
    if (code != 1u << MOST_BITS) {
        return 0;
    }
    memset(codes->quick, 0, sizeof codes->quick);
    for (unsigned i = 0; i < symbols; i++) {
        unsigned bits = lengths[i];
        if (!bits) {
            continue;
        }
        unsigned place = next[bits]++;
        codes->symbols[place] = (uint16_t)i;
        if (bits <= QUICK_BITS) {
            unsigned at = turned_round(codes->first[bits] + place - codes->start[bits], bits);
            for (; at < 1 << QUICK_BITS; at += 1u << bits) {
                codes->quick[at] = (uint16_t)(i << 4 | bits);
            }
        }
    }
    return 1;
}

/* Find the symbol of a code that is too long to be looked up. */
static unsigned
long_symbol(Bits *bits, const Codes *codes)
{
    for (unsigned count = QUICK_BITS + 1; count <= MOST_BITS && count <= bits->held; count++) {
        unsigned code = turned_round((unsigned)(bits->bits & ((1u << count) - 1)), count);
        unsigned rank = code - codes->first[count];
        if (code >= codes->first[count] && rank < codes->count[count]) {
            bits->bits >>= count;
            bits->held -= count;
            return codes->symbols[codes->start[count] + rank];
        }
    }
    return NO_SYMBOL;
}

static inline unsigned
symbol(Bits *bits, const Codes *codes)
{
    unsigned entry = codes->quick[bits->bits & ((1 << QUICK_BITS) - 1)], count = entry & 15;
    if (!entry) {
        return long_symbol(bits, codes);
    }
    if (count > bits->held) {
        return NO_SYMBOL;
    }
    bits->bits >>= count;
    bits->held -= count;
    return entry >> 4;
}

/* ------------------------------------------------------------------------------------- inflate */

typedef struct {
    Codes fixed_literals, fixed_distances, literals, distances;
} AllCodes;

/* Make the codes of RFC 1951, 3.2.6, which any block may use. */
static void
make_fixed_codes(AllCodes *codes)
{
    uint8_t lengths[LITERALS];
    memset(lengths, 8, sizeof lengths);
    memset(lengths + 144, 9, 256 - 144);
    memset(lengths + 256, 7, 280 - 256);
    make_codes(&codes->fixed_literals, lengths, LITERALS);
    memset(lengths, 5, DISTANCES);
    make_codes(&codes->fixed_distances, lengths, DISTANCES);
}

typedef struct {
    uint8_t *begin;
    uint8_t *next;
    uint8_t *end;
    size_t window;
} Out;

/* Copy what came a distance before; 0 where there is nothing so far back, or no room. */
static inline int
repeat(Out *out, size_t length, size_t distance)
{
    if (distance > (size_t)(out->next - out->begin) || distance > out->window
        || length > (size_t)(out->end - out->next)) {
        return 0;
    }
    const uint8_t *from = out->next - distance;
    uint8_t *to = out->next;
    out->next += length;
    if ((size_t)(out->end - to) < length + 8 || (distance > 1 && distance < 8)) {
        while (to < out->next) {
            *to++ = *from++;
        }
        return 1;
    }
    /* Eight bytes at a time; up to seven too many are overwritten later. */
    uint64_t eight = *from * 0x0101010101010101u;
    for (; to < out->next; to += 8, from += 8) {
        if (distance > 1) {
            memcpy(&eight, from, 8);
        }
        memcpy(to, &eight, 8);
    }
    return 1;
}

static int
unpack_codes(Bits *bits, const Codes *literals, const Codes *distances, Out *out)
{
    for (;;) {
        unsigned value, more;
        if (bits->held < 48) {
            refill(bits);
        }
        value = symbol(bits, literals);
        if (value < END_OF_BLOCK) {
            if (out->next == out->end) {
                return 0;
            }
            *out->next++ = (uint8_t)value;
            continue;
        }
        if (value == END_OF_BLOCK) {
            return 1;
        }
        value -= END_OF_BLOCK + 1;
        if (value >= sizeof LENGTH_BITS || !take(bits, LENGTH_BITS[value], &more)) {
            return 0;
        }
        size_t length = LENGTHS[value] + more;
        value = symbol(bits, distances);
        if (value >= sizeof FAR_BITS || !take(bits, FAR_BITS[value], &more)
            || !repeat(out, length, FAR[value] + more)) {
            return 0;
        }
    }
}

/* Go back to the first whole byte that no bit has been taken of. */
static void
to_bytes(Bits *bits)
{
    bits->next -= bits->held / 8;
    bits->bits = bits->held = 0;
}

static int
unpack_stored(Bits *bits, Out *out)
{
    to_bytes(bits);
    if (bits->end - bits->next < 4) {
        return 0;
    }
    const uint8_t *sizes = bits->next;
    size_t size = sizes[0] | (size_t)sizes[1] << 8, inverse = sizes[2] | (size_t)sizes[3] << 8;
    bits->next += 4;
    if ((size ^ inverse) != 0xFFFF || size > (size_t)(bits->end - bits->next)
        || size > (size_t)(out->end - out->next)) {
        return 0;
    }
    memcpy(out->next, bits->next, size);
    out->next += size;
    bits->next += size;
    return 1;
}

/* Read the lengths of codes for literals and distances, packed by codes of their own. */
static int
read_lengths(Bits *bits, Codes *codes, uint8_t *lengths, unsigned count)
{
    unsigned done = 0;
    while (done < count) {
        unsigned more = 0, times = 1;
        refill(bits);
        unsigned value = symbol(bits, codes);
        if (value < 16) {
            lengths[done++] = (uint8_t)value;
            continue;
        }
        if (value > 18 || !take(bits, value == 16 ? 2 : value == 17 ? 3 : 7, &more) || (value == 16 && !done)) {
            return 0;
        }
        times = (value == 18 ? 11 : 3) + more;
        if (times > count - done) {
            return 0;
        }
        memset(lengths + done, value == 16 ? lengths[done - 1] : 0, times);
        done += times;
    }
    return 1;
}

static int
read_codes(Bits *bits, AllCodes *codes)
{
    uint8_t lengths[LITERALS + DISTANCES] = {0};
    unsigned literals, distances, count, value;
    if (!take(bits, 5, &literals) || !take(bits, 5, &distances) || !take(bits, 4, &count)) {
        return 0;
    }
    literals += 257;
    distances += 1;
    if (literals > 286 || distances > 30) {
        return 0;
    }
    for (unsigned i = 0; i < count + 4; i++) {
        refill(bits);
        if (!take(bits, 3, &value)) {
            return 0;
        }
        lengths[ORDER[i]] = (uint8_t)value;
    }
    if (!make_codes(&codes->literals, lengths, sizeof ORDER)) {
        return 0;
    }
    memset(lengths, 0, sizeof lengths);
    return read_lengths(bits, &codes->literals, lengths, literals + distances) && lengths[END_OF_BLOCK]
           && make_codes(&codes->literals, lengths, literals)
           && make_codes(&codes->distances, lengths + literals, distances);
}

static int
unpack_block(Bits *bits, AllCodes *codes, Out *out, unsigned *is_last)
{
    unsigned kind;
    refill(bits);
    if (!take(bits, 1, is_last) || !take(bits, 2, &kind)) {
        return 0;
    }
    if (kind == 0) {
        return unpack_stored(bits, out);
    }
    if (kind == 1) {
        return unpack_codes(bits, &codes->fixed_literals, &codes->fixed_distances, out);
    }
    return kind == 2 && read_codes(bits, codes) && unpack_codes(bits, &codes->literals, &codes->distances, out);
}

/* Unpack a zlib stream of so many bytes; 0 where it is not plain or has more or fewer. */
static int
unpack(const uint8_t *packed, size_t size, AllCodes *codes, uint8_t *to, size_t promised)
{
    if (size < 6 || (packed[0] & 15) != 8 || packed[0] >> 4 > 7 || packed[1] & 32
        || (packed[0] << 8 | packed[1]) % 31) {
        return 0;
    }
    Bits bits = {packed + 2, packed + size, 0, 0};
    Out out = {to, to, to + promised, (size_t)256 << (packed[0] >> 4)};
    unsigned is_last = 0;
    while (!is_last) {
        if (!unpack_block(&bits, codes, &out, &is_last)) {
            return 0;
        }
    }
    to_bytes(&bits);
    return out.next == out.end && bits.end - bits.next == 4
           && big_endian(bits.next) == adler_of(to, promised);
}
