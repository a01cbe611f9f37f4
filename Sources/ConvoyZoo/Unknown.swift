/// A sentence for an unknown name: the known names, and the one that was probably meant.
///
/// - Parameters:
///   - kind: the kind of name, such as "network".
///   - owner: the subject of the sentence, which has such names.
///   - known: all known names.
func unknown(_ kind: String, _ name: String, of owner: String, known: [String]) -> String {
  let nearest = nearest(to: name, among: known).map { "; the closest is ‘\($0)’" } ?? ""
  let list = known.joined(separator: ", ")
  return "\(owner) has no \(kind) ‘\(name)’, only \(list)\(nearest)."
}

/// The name with the smallest edit distance to another; nil if none is similar.
///
/// Names are similar if the distance is less than a third of the longer one's length, or one begins
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

/// The number of characters to insert, delete or replace to turn one text into the other.
///
/// Source: R. Wagner and M. Fischer, "The String-to-String Correction Problem", 1974.
/// - Complexity: O(*m* · *n*) in the texts' lengths.
func editDistance(_ a: String, _ b: String) -> Int {
  // Row i has the distances from the first i characters of `a` to each prefix of `b`.
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
