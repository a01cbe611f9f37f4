import Convoy
import FuzzDriver

// Any bytes as one of the files that Convoy's own parsers read; the first byte says as which.
try fuzz(seeds: seeds) { bytes in
  guard let kind = bytes.first else { return }
  read(Array(bytes.dropFirst()), as: kind)
}
