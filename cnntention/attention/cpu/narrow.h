// Heads of few channels: all of a query's numbers stay in registers, a lane a query, and no weight is ever stored.
//
// q, g, o, dq are rows of channels, `stride` floats from one to the next, of a number of queries that is a multiple of
// WIDTH, the surplus ones zero; k, v, dk, dv are [keys][D]. Scores are powers of 2: q comes multiplied by
// scale * log2(e).
#pragma once

#include <algorithm>
#include <cmath>

#include "vectors.h"

// Scores between -60 and 60 need no maximum taken off: their powers of 2 and sums of those are far from float's ends.
constexpr float SAFE_SCORE = 60.f;

// The length of the longest key: no score of a query is larger than it times the query's own length.
template <int D>
float longest(const float* k, int64_t keys) {
  float most = 0;
  for (int64_t j = 0; j < keys; j++) {
    float square = 0;
    for (int d = 0; d < D; d++) square += k[j * D + d] * k[j * D + d];
    most = std::max(most, square);
  }
  return std::sqrt(most);
}

template <int D, int R>
inline void scores(Vec (&s)[R], const Vec (&q)[R][D], const float* key, const Vec (&minus)[R]) {
  for (int r = 0; r < R; r++) s[r] = minus[r];
  for (int d = 0; d < D; d++) {
    const Vec kd(key[d]);
    for (int r = 0; r < R; r++) s[r] = at::vec::fmadd(q[r][d], kd, s[r]);
  }
}

// R vectors of queries at once.
template <int D, int R, bool exact>
void narrow_forward_of(const float* q, const float* k, const float* v, float* o, float* log_sum, int64_t stride,
                       int64_t keys, float longest_key) {
  Vec qs[R][D], minus[R], total[R], mixed[R][D], s[R];
  Vec square(0.f);
  for (int r = 0; r < R; r++) {
    Vec own(0.f);
    for (int d = 0; d < D; d++) {
      qs[r][d] = Vec::loadu(q + d * stride + r * WIDTH);
      own = at::vec::fmadd(qs[r][d], qs[r][d], own);
      mixed[r][d] = Vec(0.f);
    }
    square = at::vec::maximum(square, own);
    minus[r] = total[r] = Vec(0.f);
  }
  float squares[WIDTH];
  square.store(squares);
  const float bound = std::sqrt(*std::max_element(squares, squares + WIDTH)) * longest_key;
  if (!(bound < SAFE_SCORE)) {
    Vec most[R];
    for (int r = 0; r < R; r++) most[r] = Vec(-INFINITY);
    for (int64_t j = 0; j < keys; j++) {
      scores<D, R>(s, qs, k + j * D, minus);
      for (int r = 0; r < R; r++) most[r] = at::vec::maximum(most[r], s[r]);
    }
    for (int r = 0; r < R; r++) minus[r] = most[r].neg();
  }
  for (int64_t j = 0; j < keys; j++) {
    scores<D, R>(s, qs, k + j * D, minus);
    for (int r = 0; r < R; r++) {
      s[r] = exp2<exact>(s[r]);
      total[r] = total[r] + s[r];
    }
    for (int d = 0; d < D; d++) {
      const Vec vd(v[j * D + d]);
      for (int r = 0; r < R; r++) mixed[r][d] = at::vec::fmadd(s[r], vd, mixed[r][d]);
    }
  }
  for (int r = 0; r < R; r++) {
    for (int d = 0; d < D; d++) (mixed[r][d] / total[r]).store(o + d * stride + r * WIDTH);
    (total[r].log2() - minus[r]).store(log_sum + r * WIDTH);
  }
}

template <int D, bool exact>
void narrow_forward(const float* q, const float* k, const float* v, float* o, float* log_sum, int64_t queries,
                    int64_t stride, int64_t keys) {
  constexpr int R = D <= 2 ? 4 : D <= 4 ? 2 : 1;
  const float longest_key = longest<D>(k, keys);
  int64_t i = 0;
  for (; i + R * WIDTH <= queries; i += R * WIDTH)
    narrow_forward_of<D, R, exact>(q + i, k, v, o + i, log_sum + i, stride, keys, longest_key);
  for (; i < queries; i += WIDTH)
    narrow_forward_of<D, 1, exact>(q + i, k, v, o + i, log_sum + i, stride, keys, longest_key);
}

// R keys at once; each lane adds up its own queries' share of dk and dv, dq gathers in the cache.
template <int D, int R, bool exact>
void narrow_backward_of(const float* q, const float* k, const float* v, const float* g, const float* log_sum,
                        const float* product, float* dq, float* dk, float* dv, int64_t queries,
                        int64_t stride) {
  Vec ks[R][D], vs[R][D], to_k[R][D], to_v[R][D];
  for (int r = 0; r < R; r++)
    for (int d = 0; d < D; d++) {
      ks[r][d] = Vec(k[r * D + d]);
      vs[r][d] = Vec(v[r * D + d]);
      to_k[r][d] = to_v[r][d] = Vec(0.f);
    }
  for (int64_t i = 0; i < queries; i += WIDTH) {
    Vec qs[D], gs[D], to_q[D], p[R], ds[R];
    for (int d = 0; d < D; d++) {
      qs[d] = Vec::loadu(q + d * stride + i);
      gs[d] = Vec::loadu(g + d * stride + i);
      to_q[d] = Vec::loadu(dq + d * stride + i);
    }
    const Vec minus_log = Vec::loadu(log_sum + i).neg(), minus_product = Vec::loadu(product + i).neg();
    for (int r = 0; r < R; r++) {
      p[r] = minus_log;
      ds[r] = minus_product;
      for (int d = 0; d < D; d++) {
        p[r] = at::vec::fmadd(qs[d], ks[r][d], p[r]);
        ds[r] = at::vec::fmadd(gs[d], vs[r][d], ds[r]);
      }
      p[r] = exp2<exact>(p[r]);
      ds[r] = ds[r] * p[r];
      for (int d = 0; d < D; d++) {
        to_v[r][d] = at::vec::fmadd(p[r], gs[d], to_v[r][d]);
        to_k[r][d] = at::vec::fmadd(ds[r], qs[d], to_k[r][d]);
        to_q[d] = at::vec::fmadd(ds[r], ks[r][d], to_q[d]);
      }
    }
    for (int d = 0; d < D; d++) to_q[d].store(dq + d * stride + i);
  }
  for (int r = 0; r < R; r++)
    for (int d = 0; d < D; d++) {
      dk[r * D + d] = sum(to_k[r][d]);
      dv[r * D + d] = sum(to_v[r][d]);
    }
}

// product: each query's sum of g * o. dq must be zero at first.
template <int D, bool exact>
void narrow_backward(const float* q, const float* k, const float* v, const float* g, const float* log_sum,
                     const float* product, float* dq, float* dk, float* dv, int64_t queries, int64_t stride,
                     int64_t keys) {
  constexpr int R = D == 1 ? 4 : D == 2 ? 2 : 1;
  int64_t j = 0;
  for (; j + R <= keys; j += R)
    narrow_backward_of<D, R, exact>(q, k + j * D, v + j * D, g, log_sum, product, dq, dk + j * D, dv + j * D, queries,
                                    stride);
  for (; j < keys; j++)
    narrow_backward_of<D, 1, exact>(q, k + j * D, v + j * D, g, log_sum, product, dq, dk + j * D, dv + j * D, queries,
                                    stride);
}
