// Hash maps of the standard library, with keys of three kinds, and text.

private data class Point(val x: Int, val y: Int)

/** Boxed integers as keys. */
fun intMap(n: Int): Int {
    var sum = 0
    repeat(n) { round ->
        val map = HashMap<Int, Int>()
        for (i in 0 until 4000) map[i * 7919 and 0xfff] = i + round
        for (i in 0 until 4000) sum += map[i] ?: 1
        for (i in 0 until 4000 step 3) map.remove(i)
        sum = sum * 31 + map.size
    }
    return sum
}

/** Objects with their own `equals` and `hashCode`. */
fun pointMap(n: Int): Int {
    var sum = 0
    repeat(n) {
        val map = HashMap<Point, Int>()
        for (x in 0 until 40) for (y in 0 until 50) map[Point(x, y)] = x * y
        for (x in 0 until 60) for (y in 0 until 50) sum += map[Point(x, y)] ?: 1
        sum = sum * 31 + map.size
    }
    return sum
}

/** Words of a text, counted and sorted. */
fun words(n: Int): Int {
    var sum = 0
    repeat(n) { round ->
        val text = StringBuilder()
        var random = 7 + round
        repeat(2000) {
            random = random * 1103515245 + 12345
            text.append("word").append(random ushr 22).append(' ')
        }
        val counts = HashMap<String, Int>()
        for (word in text.toString().split(' ')) {
            if (word.isNotEmpty()) counts[word] = (counts[word] ?: 0) + 1
        }
        val first = counts.entries.sortedWith(compareBy({ -it.value }, { it.key })).take(10)
        for ((word, count) in first) sum = sum * 31 + word.hashCode() * count
    }
    return sum
}
