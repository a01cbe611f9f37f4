// What `mpirun` starts to test exchanges between processes; `.ci/mpi` says how.
//
//   check                  every collective with random counts, in place and not, several in flight
//   train GRID             small networks, whose losses are compared with those of one process
//   measure [ranks]        times of all-reduces, over MPI, or between as many threads as named
//   exchange | idle | wait goes on until the job fails: exchanging all the time, not at all, or all ranks
//                          waiting for rank 0, which computes
//   abort                  rank 1 gives up
import ConvoyCluster
import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

let arguments = CommandLine.arguments.dropFirst()

do {
  if arguments.first == "measure", let text = arguments.dropFirst().first, let count = Int(text) {
    try measureThreads(count)
  } else {
    try runOverMPI(arguments.first ?? "check", arguments.dropFirst().first ?? "")
  }
} catch {
  report("\(error)")
  exit(1)
}

/// Does one of the things that this program does as a rank of `mpirun`.
func runOverMPI(_ mode: String, _ argument: String) throws {
  let communicator = try MPICommunicator.start(timeLimit: 15) { failure in
    report("failure: \(failure)")
  }
  report("rank \(communicator.rank) of \(communicator.count) is process \(getpid())")
  switch mode {
  case "check":
    try check(communicator)
    if communicator.rank == 0 { print("all collectives are right on \(communicator.count) ranks") }
  case "train":
    do {
      let lines = try compareTraining(over: argument, communicator)
      if communicator.rank == 0 { for line in lines { print(line) } }
    } catch {
      communicator.abort((error as? ConvoyError)?.message ?? "\(error)")
    }
  case "measure":
    let lines = measure(communicator)
    if communicator.rank == 0 { for line in lines { print(line) } }
  case "abort":
    try communicator.barrier()
    if communicator.rank == 1 { communicator.abort("the test asks for it.") }
    communicator.waitForFailure()
  case "idle":
    try communicator.barrier()
    communicator.waitForFailure()
  case "exchange":
    while communicator.failure == nil { sum(1 << 20, communicator) }
  case "wait":
    try communicator.barrier()
    if communicator.rank == 0 { communicator.waitForFailure() }
    while communicator.failure == nil { sum(1 << 20, communicator) }
  default:
    throw ConvoyError(.argument, "There is no mode called \(mode).")
  }
  communicator.shutDown()
  if communicator.failure != nil { exit(1) }
}

/// Writes a line to standard error in one piece, so that ranks' lines do not mix.
func report(_ text: String) {
  let line = text + "\n"
  _ = line.withCString { write(2, $0, strlen($0)) }
}
