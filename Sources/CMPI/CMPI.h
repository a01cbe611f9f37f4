// MPI's names that are macros, which Swift does not import, as functions. Works with any MPI from version 3 on:
// the types of handles are left to the implementation.
#pragma once
#include <mpi.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/// Enters MPI with the calling thread as the only one that calls it, and has errors returned, not end the process.
static inline int convoy_mpi_start(void) {
  // Where ranks share processors Open MPI yields in each question whether a message is there; Convoy sleeps
  // between questions itself.
  setenv("OMPI_MCA_mpi_yield_when_idle", "0", 1);
  int given = MPI_THREAD_SINGLE;
  int status = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given);
  if (status != MPI_SUCCESS) return status;
  if (given < MPI_THREAD_FUNNELED) return MPI_ERR_OTHER;
  return MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

static inline int convoy_mpi_rank(void) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int convoy_mpi_count(void) {
  int count = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  return count;
}

static inline int convoy_mpi_largest_tag(void) {
  int *bound = NULL, found = 0;
  MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &bound, &found);
  return found ? *bound : 32767;
}

/// A message under way. In a structure, since Swift must not care whether a handle is a pointer or a number.
typedef struct {
  MPI_Request handle;
} convoy_mpi_request;

static inline int convoy_mpi_send(
    const void *bytes, int count, int to, int tag, convoy_mpi_request *request) {
  return MPI_Isend(bytes, count, MPI_BYTE, to, tag, MPI_COMM_WORLD, &request->handle);
}

static inline int convoy_mpi_receive(
    void *bytes, int count, int from, int tag, convoy_mpi_request *request) {
  return MPI_Irecv(bytes, count, MPI_BYTE, from, tag, MPI_COMM_WORLD, &request->handle);
}

static inline convoy_mpi_request convoy_mpi_no_request(void) {
  return (convoy_mpi_request){MPI_REQUEST_NULL};
}

/// Moves messages along, and finds those that are over; they are no requests any more.
static inline int convoy_mpi_test_some(
    int count, convoy_mpi_request *requests, int *found, int *indices) {
  int status = MPI_Testsome(count, &requests->handle, found, indices, MPI_STATUSES_IGNORE);
  if (*found == MPI_UNDEFINED) *found = 0;
  return status;
}

/// Calls a message back. A receive ends at once; a send may not be called back any more, and goes on.
static inline int convoy_mpi_cancel(convoy_mpi_request *request) {
  int status = MPI_Cancel(&request->handle), over = 0;
  if (status != MPI_SUCCESS) return status;
  return MPI_Test(&request->handle, &over, MPI_STATUS_IGNORE);
}

/// The sentence for an error's number, into a place of at least `MPI_MAX_ERROR_STRING` (at most 1024) bytes.
static inline void convoy_mpi_describe(int status, char *text) {
  int length = 0;
  if (MPI_Error_string(status, text, &length) != MPI_SUCCESS) length = 0;
  text[length] = 0;
}

static inline void convoy_mpi_finish(void) {
  MPI_Finalize();
}

/// Ends all processes of the job. Whoever starts them may be out of reach, and must not keep this one alive.
static inline void convoy_mpi_abort(void) {
  signal(SIGALRM, SIG_DFL);
  alarm(3);
  MPI_Abort(MPI_COMM_WORLD, 1);
}
