/*
 * packlist - the text of PACKS: which packs held a database when committed.
 *
 * One pack a line, "<id> <bytes> <kinds>": the pack's 64 hex digits, its size
 * in decimal, and the kinds of chunk in it, lower-case words joined by commas.
 * Lines are sorted by id and distinct.  PACKS is a hint: nothing is identified
 * by it and no answer rests on it.
 */
#ifndef CASG_PACKLIST_H
#define CASG_PACKLIST_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define CASG_PACKLIST_MAX_BYTES (64u << 20)

/* 0 when the text is as above (it may be empty), else CASG_ECORRUPT. */
int casg_packlist_check(const uint8_t *text, size_t n, struct casg_err *err);

#endif
