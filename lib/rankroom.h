/*
 * rankroom - arrays of ranks (orderdelta.h) in memory, or in scratch files where
 * they are more.
 *
 * Threads: one thread a room.
 */
#ifndef CASG_RANKROOM_H
#define CASG_RANKROOM_H

#include <stdint.h>

#include "orderdelta.h"

/*
 * The arrays of a room take up to max_nbytes of memory together; those that would
 * take more lie in scratch files in tmp_dir (borrowed; NULL: memory), mapped.
 */
void casg_rankroom_init(struct casg_rankroom *room, uint64_t max_nbytes, const char *tmp_dir);

#endif
