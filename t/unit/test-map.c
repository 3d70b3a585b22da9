#include "map.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

int main(void)
{
	char path[] = "tmp-map-XXXXXX", fifo[64];
	struct casg_map m = CASG_MAP_INIT;
	struct casg_err err = CASG_ERR_INIT;
	int fd = mkstemp(path);
	uint8_t *arena;

	casg_map_close(&m);
	is_int(casg_map_open(&m, path, &err), 0, "an empty file");
	ok(m.data && !m.size, "has an address and no bytes");
	casg_map_close(&m);
	if (write(fd, "ACGT", 4) != 4)
		return 1;
	is_int(casg_map_open(&m, path, &err), 0, "a file");
	is_mem(m.data, m.size, "ACGT", 4, "its bytes");
	casg_map_close(&m);
	ok(!m.data && !m.size, "closed");
	casg_map_close(&m);
	is_int(casg_map_fd(&m, fd, &err), 0, "from a descriptor");
	close(fd);
	unlink(path);
	is_mem(m.data, m.size, "ACGT", 4, "stays after close and unlink");
	casg_map_close(&m);
	is_int(casg_map_open(&m, path, &err), CASG_EABSENT, "absent");
	is_int(err.code, CASG_EABSENT, "code");
	ok(strstr(err.msg, path), "message names it");
	is_int(casg_map_open(&m, ".", &err), CASG_EIO, "a folder");
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	if (!mkfifo(fifo, 0600)) {
		is_int(casg_map_open(&m, fifo, &err), CASG_EIO, "a FIFO, without waiting");
		unlink(fifo);
	}
	is_int(casg_map_fd(&m, -1, &err), CASG_EIO, "no descriptor");
	arena = casg_arena_alloc(3 << 20);
	memcpy(arena + (1 << 20) - 2, "ACGT", 4);
	casg_arena_populate(arena + (1 << 20), 1 << 20);
	is_mem(arena + (1 << 20) - 2, 4, "ACGT", 4, "what is populated stays as it is");
	free(arena);
	return done_testing();
}
