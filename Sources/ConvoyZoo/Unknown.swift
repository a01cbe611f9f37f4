/// A sentence about a name that is not known: which are, and which of them may have been meant.
///
/// - Parameters:
///   - kind: what the name was to be a name of, such as "network".
///   - owner: what has such names; begins the sentence.
///   - known: the names there are.
func unknown(_ kind: String, _ name: String, of owner: String, known: [String]) -> String {
  let nearest = nearest(to: name, among: known).map { "; the closest is ‘\($0)’" } ?? ""
  let list = known.joined(separator: ", ")
  return "\(owner) has no \(kind) ‘\(name)’, only \(list)\(nearest)."
}

/// The name that fewest edits turn into another, unless even that is unlike it.
///
/// A name is alike if less than a third of the longer of the two has to be changed, or one begins
/// with the other.
func nearest(to name: String, among known: [String]) -> String? {
  guard !name.isEmpty else { return nil }
  let name = name.lowercased()
  func isAlike(_ candidate: String) -> Bool {
    candidate.hasPrefix(name) || name.hasPrefix(candidate)
      || editDistance(name, candidate) * 3 < max(name.count, candidate.count)
  }
  return known.filter(isAlike).min { editDistance(name, $0) < editDistance(name, $1) }
}

/// How many characters have to be put in, taken out or replaced to turn one text into the other.
///
/// Source: R. Wagner and M. Fischer, "The String-to-String Correction Problem", 1974.
/// - Complexity: O(*m* · *n*) in the texts' lengths.
func editDistance(_ a: String, _ b: String) -> Int {
  // Row i holds the distances from the first i characters of `a` to each beginning of `b`.
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let replaced = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
