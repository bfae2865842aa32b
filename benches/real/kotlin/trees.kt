// Objects that are made, linked and walked: complete binary trees, most of them garbage at once, one of them alive throughout.

private class Node(val left: Node?, val right: Node?)

private fun build(depth: Int): Node =
    if (depth == 0) Node(null, null) else Node(build(depth - 1), build(depth - 1))

private fun Node.count(): Int = 1 + (left?.count() ?: 0) + (right?.count() ?: 0)

private val alive = build(16)

/** The number of nodes in `n` times 64 trees of 4 to 14 levels, and in the one that lives. */
fun trees(n: Int): Int {
    var nodes = 0
    repeat(n) {
        for (depth in 4..14 step 2) {
            repeat(if (depth < 10) 16 else 1) { nodes += build(depth).count() }
        }
        nodes = nodes * 31 + alive.count()
    }
    return nodes
}

private class Entry(val key: Int, var value: Int, var left: Entry? = null, var right: Entry? = null)

/** A search tree without balance: keys are found, replaced and inserted, so that old objects get references to young ones. */
fun searchTree(n: Int): Int {
    var sum = 0
    repeat(n) { round ->
        var root: Entry? = null
        var random = 12345 + round
        repeat(8000) {
            random = random * 1103515245 + 12345
            val key = random ushr 16
            var at = root
            if (at == null) root = Entry(key, 1)
            while (at != null) {
                if (key == at.key) {
                    at.value++
                    break
                }
                val next = if (key < at.key) at.left else at.right
                if (next == null) {
                    if (key < at.key) at.left = Entry(key, 1) else at.right = Entry(key, 1)
                }
                at = next
            }
        }
        sum = sum * 31 + depth(root) + total(root)
    }
    return sum
}

private fun depth(entry: Entry?): Int = if (entry == null) 0 else 1 + maxOf(depth(entry.left), depth(entry.right))

private fun total(entry: Entry?): Int =
    if (entry == null) 0 else entry.value * entry.key + total(entry.left) + total(entry.right)
