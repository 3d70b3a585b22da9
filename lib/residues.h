/*
 * residues - nucleotides at two bits.
 *
 * A = 0, C = 1, G = 2, T = 3; residue i is in bits 2*(i%4) and up of byte
 * i/4, so the first residue is in the lowest bits; spare bits of the last
 * byte are 0.  Every byte that is not one of the four upper-case letters is
 * an exception: packed as 0 and listed apart.
 *
 * Exceptions are runs of one byte value, in order, each as LEB128 gap (from
 * the end of the run before, or from 0), LEB128 length (>= 1), and the byte.
 * Two runs that touch hold different bytes.  There is one encoding for any
 * input, and the decoder takes no other.
 *
 * All functions are pure and reentrant; the result does not depend on the
 * CPU's instruction set.
 */
#ifndef CASG_RESIDUES_H
#define CASG_RESIDUES_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Bytes that nresidues take when packed. */
static inline size_t casg_dna_packed_size(size_t nresidues)
{
	return nresidues / 4 + (nresidues % 4 != 0);
}

/*
 * Count the bytes that are not A, C, G or T, and the runs they would make;
 * to decide whether packing is worth it.
 */
void casg_dna_scan(const uint8_t *p, size_t nresidues, uint64_t *nother_out,
		   uint64_t *nruns_out);

/*
 * Write casg_dna_packed_size(nresidues) bytes at 'out' and append the
 * exceptions to 'exceptions' (check it with casg_buf_check afterwards).
 * 'out' and 'p' do not overlap.
 */
void casg_dna_pack(const uint8_t *p, size_t nresidues, uint8_t *out,
		   struct casg_buf *exceptions);

/*
 * Undo it: write nresidues bytes at 'out'.  'packed' holds
 * casg_dna_packed_size(nresidues) bytes.  CASG_ECORRUPT for anything the
 * packer does not emit for bytes 0x21 .. 0x7E; 'out' then holds nothing to
 * be used.
 */
int casg_dna_unpack(const uint8_t *packed, size_t nresidues,
		    const uint8_t *exceptions, size_t nexceptions,
		    uint8_t *out, struct casg_err *err);

/* Only the exceptions of the above. */
void casg_dna_exceptions(const uint8_t *p, size_t nresidues, struct casg_buf *exceptions);

/* Write the letters of 32 bases, the first in the lowest bits. */
void casg_dna_letters(uint64_t bases, uint8_t out[32]);

/*
 * Lay exceptions over nresidues letters, whatever these are.  CASG_ECORRUPT as
 * above, bits under exceptions apart.
 */
int casg_dna_overlay(const uint8_t *exceptions, size_t nexceptions, uint8_t *out,
		     size_t nresidues, struct casg_err *err);

/* The same to bases at .. at+nresidues of 'packed': those under exceptions become A. */
int casg_dna_clear(const uint8_t *exceptions, size_t nexceptions, uint8_t *packed, uint64_t at,
		   size_t nresidues, struct casg_err *err);

#endif
