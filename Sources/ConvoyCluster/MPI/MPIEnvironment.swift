#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The environment that `mpirun` gives to its processes.
public enum MPIEnvironment {
  /// The number of ranks that `mpirun` has started; nil if something else started this process.
  ///
  /// Open MPI and MPICH each set a variable for it.
  public static var rankCount: Int? {
    for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
      if let text = getenv(name), let count = Int(String(cString: text)), count > 0 { return count }
    }
    return nil
  }
}
