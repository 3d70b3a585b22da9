/* hex - lower-case hexadecimal.  Decoding refuses upper case and odd lengths. */
#ifndef CASG_HEX_H
#define CASG_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Write 2 * nbytes digits at 'out', no NUL. */
void casg_hex_encode(char *out, const uint8_t *bytes, size_t nbytes);

/* Read 2 * nbytes digits; 0, or -1 if any is not a lower-case hex digit. */
int casg_hex_decode(uint8_t *out, const char *hex, size_t nbytes);

#endif
