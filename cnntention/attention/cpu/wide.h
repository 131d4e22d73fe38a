// Heads of many channels: blocks of weights that stay in the first cache, and small matrix products between them.
//
// A tile is TILE queries, a lane a query. Rows "by channel" are [D][TILE]; rows "by position" are [positions][depth],
// depth being D rounded up to WIDTH, with zeros behind D. Scores are powers of 2 as in narrow.h.
#pragma once

#include <algorithm>
#include <cmath>

#include "vectors.h"

constexpr int VECTORS = 4;
constexpr int64_t TILE = VECTORS * WIDTH;
constexpr int64_t BLOCK = 64;  // keys
constexpr int GROUP = 4;       // keys, or channels, whose sums stand in registers at once

// result[j][i] = start[i] + sum over d of rows[j][d] * columns[d][i], for GROUP rows, handed over vector by vector.
template <typename Take>
inline void product(const float* rows, const float* columns, const float* start, int64_t D, int64_t depth, Take take) {
  Vec sums[GROUP][VECTORS];
  for (int r = 0; r < VECTORS; r++) {
    const Vec begin = start ? Vec::loadu(start + r * WIDTH).neg() : Vec(0.f);
    for (int j = 0; j < GROUP; j++) sums[j][r] = begin;
  }
  for (int64_t d = 0; d < D; d++) {
    Vec column[VECTORS];
    for (int r = 0; r < VECTORS; r++) column[r] = Vec::loadu(columns + d * TILE + r * WIDTH);
    for (int j = 0; j < GROUP; j++) {
      const Vec row(rows[j * depth + d]);
      for (int r = 0; r < VECTORS; r++) sums[j][r] = at::vec::fmadd(row, column[r], sums[j][r]);
    }
  }
  for (int j = 0; j < GROUP; j++)
    for (int r = 0; r < VECTORS; r++) take(j, r, sums[j][r]);
}

// result[d][i] += sum over keys j of rows[j][d] * weights[j][i].
inline void mix(float* result, const float* rows, const float* weights, int64_t D, int64_t depth, int64_t keys) {
  for (int64_t d = 0; d < D; d += GROUP) {
    Vec sums[GROUP][VECTORS];
    for (int c = 0; c < GROUP; c++)
      for (int r = 0; r < VECTORS; r++) sums[c][r] = Vec::loadu(result + (d + c) * TILE + r * WIDTH);
    for (int64_t j = 0; j < keys; j++) {
      Vec weight[VECTORS];
      for (int r = 0; r < VECTORS; r++) weight[r] = Vec::loadu(weights + j * TILE + r * WIDTH);
      for (int c = 0; c < GROUP; c++) {
        const Vec value(rows[j * depth + d + c]);
        for (int r = 0; r < VECTORS; r++) sums[c][r] = at::vec::fmadd(value, weight[r], sums[c][r]);
      }
    }
    for (int c = 0; c < GROUP; c++)
      for (int r = 0; r < VECTORS; r++) sums[c][r].store(result + (d + c) * TILE + r * WIDTH);
  }
}

// result[j][d] += sum over queries i of weights[j][i] * rows[i][d], a lane a channel.
inline void gather(float* result, const float* rows, const float* weights, int64_t depth, int64_t keys) {
  constexpr int KEYS = 8;
  for (int64_t j = 0; j < keys; j += KEYS)
    for (int64_t d = 0; d < depth; d += WIDTH) {
      Vec sums[KEYS];
      for (int c = 0; c < KEYS; c++) sums[c] = Vec::loadu(result + (j + c) * depth + d);
      for (int64_t i = 0; i < TILE; i++) {
        const Vec row = Vec::loadu(rows + i * depth + d);
        for (int c = 0; c < KEYS; c++) sums[c] = at::vec::fmadd(Vec(weights[(j + c) * TILE + i]), row, sums[c]);
      }
      for (int c = 0; c < KEYS; c++) sums[c].store(result + (j + c) * depth + d);
    }
}

// One tile of queries against all keys; the maximum is that of the keys seen so far, and sums follow it.
// k, v: rows by position, as many as keys rounded up to BLOCK. o: [D rounded up to GROUP][TILE].
template <bool exact>
void wide_forward(const float* q, const float* k, const float* v, float* o, float* log_sum, int64_t D, int64_t depth,
                  int64_t keys) {
  alignas(64) float weights[BLOCK * TILE];
  Vec most[VECTORS], total[VECTORS];
  for (int r = 0; r < VECTORS; r++) {
    most[r] = Vec(-INFINITY);
    total[r] = Vec(0.f);
  }
  const int64_t channels = round_up(D, GROUP);
  std::fill(o, o + channels * TILE, 0.f);
  for (int64_t first = 0; first < keys; first += BLOCK) {
    const int64_t here = std::min(BLOCK, keys - first);
    for (int64_t j = 0; j < here; j += GROUP)
      product(k + (first + j) * depth, q, nullptr, D, depth,
              [&](int c, int r, Vec s) { s.store(weights + (j + c) * TILE + r * WIDTH); });
    for (int r = 0; r < VECTORS; r++) {
      float* column = weights + r * WIDTH;
      Vec now = most[r];
      for (int64_t j = 0; j < here; j++) now = at::vec::maximum(now, Vec::loadu(column + j * TILE));
      const Vec shrink = exp2<exact>(most[r] - now);
      Vec added(0.f);
      for (int64_t j = 0; j < here; j++) {
        const Vec weight = exp2<exact>(Vec::loadu(column + j * TILE) - now);
        weight.store(column + j * TILE);
        added = added + weight;
      }
      most[r] = now;
      total[r] = at::vec::fmadd(total[r], shrink, added);
      if (first > 0)
        for (int64_t d = 0; d < channels; d++) {
          float* sums = o + d * TILE + r * WIDTH;
          (Vec::loadu(sums) * shrink).store(sums);
        }
    }
    mix(o, v + first * depth, weights, D, depth, here);
  }
  for (int r = 0; r < VECTORS; r++) {
    for (int64_t d = 0; d < D; d++) {
      float* sums = o + d * TILE + r * WIDTH;
      (Vec::loadu(sums) / total[r]).store(sums);
    }
    (total[r].log2() + most[r]).store(log_sum + r * WIDTH);
  }
}

// One tile of queries: dq by channel is set; dk and dv by position, a multiple of BLOCK rows, are added to.
// q_rows, g_rows: q and g by position. product_of: each query's sum of g * o.
template <bool exact>
void wide_backward(const float* q, const float* q_rows, const float* k, const float* v, const float* g,
                   const float* g_rows, const float* log_sum, const float* product_of, float* dq, float* dk, float* dv,
                   int64_t D, int64_t depth, int64_t keys) {
  alignas(64) float weights[BLOCK * TILE], changes[BLOCK * TILE];
  std::fill(dq, dq + round_up(D, GROUP) * TILE, 0.f);
  for (int64_t first = 0; first < keys; first += BLOCK) {
    const int64_t here = std::min(BLOCK, keys - first), rows = round_up(here, 8);
    for (int64_t j = 0; j < rows; j += GROUP) {
      product(k + (first + j) * depth, q, log_sum, D, depth, [&](int c, int r, Vec s) {
        // Rows behind the last key have no weight: their score of 0 may be far above those that there are.
        (j + c < here ? exp2<exact>(s) : Vec(0.f)).store(weights + (j + c) * TILE + r * WIDTH);
      });
      product(v + (first + j) * depth, g, product_of, D, depth, [&](int c, int r, Vec s) {
        const int64_t at = (j + c) * TILE + r * WIDTH;
        (s * Vec::loadu(weights + at)).store(changes + at);
      });
    }
    mix(dq, k + first * depth, changes, D, depth, here);
    gather(dv + first * depth, g_rows, weights, depth, rows);
    gather(dk + first * depth, q_rows, changes, depth, rows);
  }
}
