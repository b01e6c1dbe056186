/**
 * The two matrix products of recurrent networks, C += A B and C += Aᵀ B, float32, row-major, by register tiles of 4 x 8
 * (8 accumulators, 2 columns vectors and one broadcast fit the 16 SIMD registers of x86-64). Widths are multiples of 4.
 * Every element of C adds its products in rising k, one by one, whatever tile it falls in: a row's result does not depend
 * on the rows beside it, and a batch equals its sequences one by one, bit for bit.
 */
import { madd, sumLanes } from "./math";

/**
 * C (rows, n) += A (rows, k) B (k, n). Leading dimensions in floats; k and n multiples of 4. `packed` is what pack() made of
 * B, if it did: rows that fill no tile read B once each, and from a cache beyond the first only in a row is that fast.
 */
export function multiply(
  rows: i32, n: i32, k: i32,
  a: usize, lda: i32,
  b: usize, ldb: i32,
  c: usize, ldc: i32,
  packed: usize = 0,
): void {
  const aStep: usize = lda << 2;
  const bStep: usize = ldb << 2;
  const cStep: usize = ldc << 2;
  const aEnd: usize = k << 2;
  const tiled = rows & ~3;
  let column = 0;
  if (tiled) {
    for (; column + 8 <= n; column += 8) {
      for (let row = 0; row < tiled; row += 4) {
        tile4x8(a + row * aStep, aStep, aEnd, b + (column << 2), bStep, c + row * cStep + (column << 2), cStep);
      }
    }
    if (column < n) {
      for (let row = 0; row < tiled; row += 4) {
        tile4x4(a + row * aStep, aStep, aEnd, b + (column << 2), bStep, c + row * cStep + (column << 2), cStep);
      }
    }
  }
  for (let row = tiled; row < rows; row++) {
    const aRow = a + row * aStep;
    const cRow = c + row * cStep;
    column = 0;
    let panel = packed ? packed : b;
    const next: usize = packed ? aEnd : 4; // from one panel to the next, bytes for each of its columns
    for (; column + 32 <= n; column += 32, panel += next << 5) {
      tile1x32(aRow, aEnd, panel, packed ? 128 : bStep, cRow + (column << 2));
    }
    for (; column + 8 <= n; column += 8, panel += next << 3) {
      tile1x8(aRow, aEnd, panel, packed ? 32 : bStep, cRow + (column << 2));
    }
    if (column < n) tile1x4(aRow, aEnd, panel, packed ? 16 : bStep, cRow + (column << 2));
  }
}

/** B (k, n) in the order in which multiply() reads it for a single row: panels of 32 columns, then of 8, then of 4. */
export function pack(k: i32, n: i32, b: usize, ldb: i32, packed: usize): void {
  for (let column = 0; column < n; ) {
    const left = n - column;
    const columns = left >= 32 ? 32 : left >= 8 ? 8 : 4;
    const bytes: usize = columns << 2;
    for (let row = 0; row < k; row++, packed += bytes) {
      const source = b + ((row * ldb + column) << 2);
      for (let j: usize = 0; j < bytes; j += 16) v128.store(packed + j, v128.load(source + j));
    }
    column += columns;
  }
}

// Rows per pass of the transposed product, so that a slice of A and of B stays in a 32 kB first-level cache.
const SLICE = 64;

/** C (m, n) += Aᵀ B with A (rows, m), B (rows, n). Leading dimensions in floats; m and n multiples of 4. */
export function multiplyTransposed(
  rows: i32, m: i32, n: i32,
  a: usize, lda: i32,
  b: usize, ldb: i32,
  c: usize, ldc: i32,
): void {
  const aStep: usize = lda << 2;
  const bStep: usize = ldb << 2;
  const cStep: usize = ldc << 2;
  if (rows == 1) {
    for (const end = a + (m << 2); a < end; a += 4, c += cStep) addScaled(n, a, b, c);
    return;
  }
  for (let start = 0; start < rows; start += SLICE) {
    const count = min(SLICE, rows - start);
    const aSlice = a + start * aStep;
    const bSlice = b + start * bStep;
    let column = 0;
    for (; column + 8 <= n; column += 8) {
      for (let row = 0; row < m; row += 4) {
        outer4x8(count, aSlice + (row << 2), aStep, bSlice + (column << 2), bStep, c + row * cStep + (column << 2), cStep);
      }
    }
    if (column < n) {
      for (let row = 0; row < m; row += 4) {
        outer4x4(count, aSlice + (row << 2), aStep, bSlice + (column << 2), bStep, c + row * cStep + (column << 2), cStep);
      }
    }
  }
}

/**
 * C (rows, m) += A (rows, n) Bᵀ with B (m, n), all dense. `transposed` has room for Bᵀ; without it, rows are taken one by
 * one, in whose order B lies.
 */
export function multiplyByTranspose(rows: i32, m: i32, n: i32, a: usize, b: usize, transposed: usize, c: usize): void {
  if (transposed) {
    transpose(m, n, b, transposed);
    multiply(rows, m, n, a, n, transposed, m, c, m);
    return;
  }
  for (let row = 0; row < rows; row++) addProducts(m, n, a + ((row * n) << 2), b, n, c + ((row * m) << 2));
}

/** c (m) += B a with B (m, n), a (n). */
export function addProducts(m: i32, n: i32, a: usize, b: usize, ldb: i32, c: usize): void {
  for (let row = 0; row < m; row++, b += ldb << 2, c += 4) store<f32>(c, load<f32>(c) + dot(n, a, b));
}

export function dot(n: i32, x: usize, y: usize): f32 {
  let total = f32x4.splat(0);
  const end: usize = x + (n << 2);
  for (; x < end; x += 16, y += 16) total = madd(v128.load(x), v128.load(y), total);
  return sumLanes(total);
}

/** target (columns, rows) = sourceᵀ, both dense. */
export function transpose(rows: i32, columns: i32, source: usize, target: usize): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      store<f32>(target + ((j * rows + i) << 2), load<f32>(source + ((i * columns + j) << 2)));
    }
  }
}

/** target (n) += the sum of the rows of source (rows, n). */
export function addRows(rows: i32, n: i32, source: usize, target: usize): void {
  const width: usize = n << 2;
  for (let row = 0; row < rows; row++, source += width) {
    for (let j: usize = 0; j < width; j += 16) {
      v128.store(target + j, f32x4.add(v128.load(target + j), v128.load(source + j)));
    }
  }
}

/** c (n) += the number at x times b. */
function addScaled(n: i32, x: usize, b: usize, c: usize): void {
  const scale = v128.load_splat<f32>(x);
  for (const end = b + (n << 2); b < end; b += 16, c += 16) v128.store(c, madd(scale, v128.load(b), v128.load(c)));
}

// One k at a time: from two, the compiler sets up more products at once than there are registers for.
function tile4x8(a0: usize, aStep: usize, aLength: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
  let a1 = a0 + aStep;
  let a2 = a1 + aStep;
  let a3 = a2 + aStep;
  const c1 = c + cStep;
  const c2 = c1 + cStep;
  const c3 = c2 + cStep;
  let s00 = v128.load(c), s01 = v128.load(c, 16);
  let s10 = v128.load(c1), s11 = v128.load(c1, 16);
  let s20 = v128.load(c2), s21 = v128.load(c2, 16);
  let s30 = v128.load(c3), s31 = v128.load(c3, 16);
  const end = a0 + aLength;
  for (; a0 < end; a0 += 4, a1 += 4, a2 += 4, a3 += 4, b += bStep) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a0);
    s00 = madd(x, b0, s00); s01 = madd(x, b1, s01);
    x = v128.load_splat<f32>(a1);
    s10 = madd(x, b0, s10); s11 = madd(x, b1, s11);
    x = v128.load_splat<f32>(a2);
    s20 = madd(x, b0, s20); s21 = madd(x, b1, s21);
    x = v128.load_splat<f32>(a3);
    s30 = madd(x, b0, s30); s31 = madd(x, b1, s31);
  }
  v128.store(c, s00); v128.store(c, s01, 16);
  v128.store(c1, s10); v128.store(c1, s11, 16);
  v128.store(c2, s20); v128.store(c2, s21, 16);
  v128.store(c3, s30); v128.store(c3, s31, 16);
}

function tile4x4(a0: usize, aStep: usize, aLength: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
  let a1 = a0 + aStep;
  let a2 = a1 + aStep;
  let a3 = a2 + aStep;
  const c1 = c + cStep;
  const c2 = c1 + cStep;
  const c3 = c2 + cStep;
  let s0 = v128.load(c), s1 = v128.load(c1), s2 = v128.load(c2), s3 = v128.load(c3);
  const end = a0 + aLength;
  for (; a0 < end; a0 += 4, a1 += 4, a2 += 4, a3 += 4, b += bStep) {
    const b0 = v128.load(b);
    s0 = madd(v128.load_splat<f32>(a0), b0, s0);
    s1 = madd(v128.load_splat<f32>(a1), b0, s1);
    s2 = madd(v128.load_splat<f32>(a2), b0, s2);
    s3 = madd(v128.load_splat<f32>(a3), b0, s3);
  }
  v128.store(c, s0);
  v128.store(c1, s1);
  v128.store(c2, s2);
  v128.store(c3, s3);
}

function tile1x32(a: usize, aLength: usize, b: usize, bStep: usize, c: usize): void {
  let s0 = v128.load(c), s1 = v128.load(c, 16), s2 = v128.load(c, 32), s3 = v128.load(c, 48);
  let s4 = v128.load(c, 64), s5 = v128.load(c, 80), s6 = v128.load(c, 96), s7 = v128.load(c, 112);
  const end = a + aLength;
  for (; a < end; a += 4, b += bStep) {
    const x = v128.load_splat<f32>(a);
    s0 = madd(x, v128.load(b), s0);
    s1 = madd(x, v128.load(b, 16), s1);
    s2 = madd(x, v128.load(b, 32), s2);
    s3 = madd(x, v128.load(b, 48), s3);
    s4 = madd(x, v128.load(b, 64), s4);
    s5 = madd(x, v128.load(b, 80), s5);
    s6 = madd(x, v128.load(b, 96), s6);
    s7 = madd(x, v128.load(b, 112), s7);
  }
  v128.store(c, s0); v128.store(c, s1, 16); v128.store(c, s2, 32); v128.store(c, s3, 48);
  v128.store(c, s4, 64); v128.store(c, s5, 80); v128.store(c, s6, 96); v128.store(c, s7, 112);
}

function tile1x8(a: usize, aLength: usize, b: usize, bStep: usize, c: usize): void {
  let s0 = v128.load(c), s1 = v128.load(c, 16);
  const end = a + aLength;
  for (; a < end; a += 4, b += bStep) {
    const x = v128.load_splat<f32>(a);
    s0 = madd(x, v128.load(b), s0);
    s1 = madd(x, v128.load(b, 16), s1);
  }
  v128.store(c, s0);
  v128.store(c, s1, 16);
}

function tile1x4(a: usize, aLength: usize, b: usize, bStep: usize, c: usize): void {
  let s = v128.load(c);
  const end = a + aLength;
  for (; a < end; a += 4, b += bStep) s = madd(v128.load_splat<f32>(a), v128.load(b), s);
  v128.store(c, s);
}

function outer4x8(count: i32, a: usize, aStep: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
  const c1 = c + cStep;
  const c2 = c1 + cStep;
  const c3 = c2 + cStep;
  let s00 = v128.load(c), s01 = v128.load(c, 16);
  let s10 = v128.load(c1), s11 = v128.load(c1, 16);
  let s20 = v128.load(c2), s21 = v128.load(c2, 16);
  let s30 = v128.load(c3), s31 = v128.load(c3, 16);
  const end = a + count * aStep;
  for (; a < end; a += aStep, b += bStep) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    s00 = madd(x, b0, s00); s01 = madd(x, b1, s01);
    x = v128.load_splat<f32>(a, 4);
    s10 = madd(x, b0, s10); s11 = madd(x, b1, s11);
    x = v128.load_splat<f32>(a, 8);
    s20 = madd(x, b0, s20); s21 = madd(x, b1, s21);
    x = v128.load_splat<f32>(a, 12);
    s30 = madd(x, b0, s30); s31 = madd(x, b1, s31);
  }
  v128.store(c, s00); v128.store(c, s01, 16);
  v128.store(c1, s10); v128.store(c1, s11, 16);
  v128.store(c2, s20); v128.store(c2, s21, 16);
  v128.store(c3, s30); v128.store(c3, s31, 16);
}

function outer4x4(count: i32, a: usize, aStep: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
  const c1 = c + cStep;
  const c2 = c1 + cStep;
  const c3 = c2 + cStep;
  let s0 = v128.load(c), s1 = v128.load(c1), s2 = v128.load(c2), s3 = v128.load(c3);
  const end = a + count * aStep;
  for (; a < end; a += aStep, b += bStep) {
    const b0 = v128.load(b);
    s0 = madd(v128.load_splat<f32>(a), b0, s0);
    s1 = madd(v128.load_splat<f32>(a, 4), b0, s1);
    s2 = madd(v128.load_splat<f32>(a, 8), b0, s2);
    s3 = madd(v128.load_splat<f32>(a, 12), b0, s3);
  }
  v128.store(c, s0);
  v128.store(c1, s1);
  v128.store(c2, s2);
  v128.store(c3, s3);
}
