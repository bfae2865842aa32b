-- The input of the sqlite example: a small library of books, and questions about it.
CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER);
CREATE TABLE book(id INTEGER PRIMARY KEY, author INTEGER REFERENCES author(id), title TEXT, year INTEGER, price REAL);
CREATE INDEX book_author ON book(author, year);
INSERT INTO author VALUES (1, 'Mary Shelley', 1797), (2, 'Jules Verne', 1828), (3, 'H. G. Wells', 1866);
INSERT INTO book(author, title, year, price) VALUES
  (1, 'Frankenstein', 1818, 12.50),
  (1, 'The Last Man', 1826, 9.25),
  (2, 'Journey to the Centre of the Earth', 1864, 11.00),
  (2, 'Twenty Thousand Leagues Under the Seas', 1870, 14.75),
  (3, 'The Time Machine', 1895, 7.99),
  (3, 'The War of the Worlds', 1898, 8.49);

SELECT 'books and mean price by author';
SELECT name, count(*), round(avg(price), 2) FROM author JOIN book ON book.author = author.id GROUP BY name ORDER BY born;

SELECT 'years since the author''s last book';
SELECT title, year - lag(year) OVER (PARTITION BY author ORDER BY year) FROM book ORDER BY year;

SELECT 'primes below 50';
WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 49)
SELECT group_concat(i, ' ') FROM n WHERE NOT EXISTS (SELECT 1 FROM n AS d WHERE d.i < n.i AND n.i % d.i = 0);

SELECT 'a transaction taken back';
BEGIN;
DELETE FROM book WHERE year < 1850;
SELECT count(*) FROM book;
ROLLBACK;
SELECT count(*) FROM book;

SELECT 'a table of 20000 rows, sorted by a hash';
CREATE TABLE big(id INTEGER PRIMARY KEY, hash INTEGER, text TEXT);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO big SELECT i, (i * 2654435761) % 4294967296, printf('row %05d', i) FROM n;
CREATE INDEX big_hash ON big(hash);
SELECT id, hash, text FROM big ORDER BY hash LIMIT 3;
SELECT count(*), sum(length(text)), max(hash) FROM big;

SELECT 'text and json';
SELECT upper('frankenstein'), instr('Leagues', 'gue'), json_extract('{"a":[1,2,{"b":"deep"}]}', '$.a[2].b');
PRAGMA integrity_check;
