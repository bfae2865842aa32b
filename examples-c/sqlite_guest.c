// The guest of sqlite.c: compiled by clang to wasm32-wasi together with SQLite's amalgamation.
//
// Reads SQL from standard input, runs it against a database in memory, and prints each row with its columns
// separated by '|', as the sqlite3 shell does. An SQL error is printed to standard error and ends with status 1.

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int print_row(void *unused, int columns, char **values, char **names) {
  (void)unused;
  (void)names;
  for (int i = 0; i < columns; i++) printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
  putchar('\n');
  return 0;
}

static char *read_all(FILE *file) {
  size_t size = 0, capacity = 4096;
  char *text = malloc(capacity);
  while (text) {
    size += fread(text + size, 1, capacity - size - 1, file);
    if (size < capacity - 1) break;
    capacity *= 2;
    char *larger = realloc(text, capacity);
    if (!larger) free(text);
    text = larger;
  }
  if (text) text[size] = '\0';
  return text;
}

int main(int argc, char **argv) {
  char *sql = read_all(stdin);
  if (!sql) return fprintf(stderr, "out of memory\n"), 1;

  sqlite3 *db = NULL;
  char *message = NULL;
  int status = 0;
  if (argc > 1) printf("-- %s\n", argv[1]);
  if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_exec(db, sql, print_row, NULL, &message) != SQLITE_OK) {
    fflush(stdout);
    fprintf(stderr, "SQL error: %s\n", message ? message : sqlite3_errmsg(db));
    status = 1;
  }
  sqlite3_free(message);
  sqlite3_close(db);
  free(sql);
  return status;
}
