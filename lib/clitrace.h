/*
 * clitrace - what a program did and how long it took, after Git's trace2.
 *
 * CASG_TRACE=1 (or a number 2 to 9: that descriptor; or an absolute path:
 * append there) prints a line when a program starts, with its arguments, and
 * when it ends, with its exit status and time.  CASG_TRACE_PERF does the same
 * and adds regions and counters.  A line is
 *
 *   <time> <pid> <event> <seconds since start> <seconds of the region> <text>
 *
 * separated by TABs; a value that a line has not is "-".  Only programs may
 * use this, from one thread.
 */
#ifndef CASG_CLITRACE_H
#define CASG_CLITRACE_H

#include <stdint.h>

/* By main(): read the environment, print the start. */
void casg_trace_start(int argc, char **argv);
/* By main() and the dying functions. */
void casg_trace_exit(int status);

/* Regions nest; 'name' is a literal. */
void casg_trace_enter(const char *name);
void casg_trace_leave(const char *name);
void casg_trace_count(const char *name, uint64_t value);

#endif
