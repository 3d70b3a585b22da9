/*
 * crc32c - the Castagnoli CRC (RFC 3720, appendix B.4), as Google Cloud
 * Storage has it.
 *
 * Threads: reentrant.
 */
#ifndef CASG_CRC32C_H
#define CASG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of what had 'crc' (0: nothing) and n more bytes. */
uint32_t casg_crc32c(uint32_t crc, const void *p, size_t n);

#endif
