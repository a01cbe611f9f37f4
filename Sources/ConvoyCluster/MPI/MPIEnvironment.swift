#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What `mpirun` has told this process of itself.
public enum MPIEnvironment {
  /// How many ranks `mpirun` has started; nil if this process was started by something else.
  ///
  /// Open MPI and MPICH each have a variable for it.
  public static var rankCount: Int? {
    for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
      if let text = getenv(name), let count = Int(String(cString: text)), count > 0 { return count }
    }
    return nil
  }
}
