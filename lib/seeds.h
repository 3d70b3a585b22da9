/*
 * seeds - the few k-mers by which like sequences find each other.
 *
 * The seeds of a sequence are the least hashes of its k-mers (bottom-s
 * sketches, Broder 1997).  Of nucleotides a k-mer and its reverse complement
 * count as one, so that both strands have the same seeds; T and U are one
 * there, and k-mers with any other letter have no hash.  Of two sequences of
 * which a share p of the k-mers is common, about s * p seeds are.
 *
 * Which alphabet a sequence is of is told from itself: it is of nucleotides if
 * all of it are IUPAC's letters for them and gaps, and nine in ten A, C, G, T, U or N.
 *
 * Nothing that is stored rests on the hashes.  Pure, reentrant, the same on
 * every CPU.
 */
#ifndef CASG_SEEDS_H
#define CASG_SEEDS_H

#include <stddef.h>
#include <stdint.h>

#define CASG_SEEDS_MAX 32
#define CASG_SEEDS_K_MAX 12     /* proteins: five bits a residue */
#define CASG_SEEDS_K_MAX_DNA 31

/* 1: nucleotides. */
int casg_seeds_is_dna(const uint8_t *p, size_t nresidues);

/*
 * The 'nseeds' least hashes, or as many as there are, ascending, none twice;
 * returns their number.
 */
unsigned casg_seeds(const uint8_t *p, size_t nresidues, int is_dna, int k, unsigned nseeds,
		    uint64_t out[CASG_SEEDS_MAX]);

/* out[0..nresidues): the other strand, by IUPAC's letters; what is none stays. */
void casg_reverse_complement(const uint8_t *p, size_t nresidues, uint8_t *out);

#endif
