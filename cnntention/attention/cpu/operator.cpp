// softmax(scale Q K^T) V over the positions of feature maps [B, C, N] and its gradients, one head at a time.
//
// A head's numbers are read from any layout and from float32 or bfloat16 into float32, laid out as the kernels want
// them. One thread does a head from beginning to end, so that the bits do not depend on the number of threads.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <vector>

#include "narrow.h"
#include "wide.h"

namespace {

constexpr int64_t NARROW = 8;  // channels that fit into registers

// From one row of a number of queries to the next. Rows a power of two apart would push each other out of the cache.
int64_t row_stride(int64_t queries) { return round_up(queries, WIDTH) + WIDTH; }

// One head of one image, in the layout of its tensor.
template <typename T>
struct Head {
  T* data;
  int64_t channel, position;  // strides

  Head(const at::Tensor& x, int64_t number, int64_t heads)
      : data(const_cast<T*>(x.const_data_ptr<T>()) + number / heads * x.stride(0) +
             number % heads * (x.size(1) / heads) * x.stride(1)),
        channel(x.stride(1)),
        position(x.stride(2)) {}

  // Calls f(channel, position, number) along the layout.
  template <typename F>
  void walk(int64_t D, int64_t N, F f) const {
    if (position <= channel) {
      for (int64_t d = 0; d < D; d++)
        for (int64_t i = 0; i < N; i++) f(d, i, data[d * channel + i * position]);
    } else {
      for (int64_t i = 0; i < N; i++)
        for (int64_t d = 0; d < D; d++) f(d, i, data[d * channel + i * position]);
    }
  }

  void to_channels(float* to, int64_t D, int64_t N, int64_t stride, float factor = 1.f) const {
    walk(D, N, [=](int64_t d, int64_t i, const T& x) { to[d * stride + i] = static_cast<float>(x) * factor; });
  }
  void to_positions(float* to, int64_t D, int64_t N, int64_t stride, float factor = 1.f) const {
    walk(D, N, [=](int64_t d, int64_t i, const T& x) { to[i * stride + d] = static_cast<float>(x) * factor; });
  }
  void from_channels(const float* from, int64_t D, int64_t N, int64_t stride, float factor = 1.f) const {
    walk(D, N, [=](int64_t d, int64_t i, T& x) { x = static_cast<T>(from[d * stride + i] * factor); });
  }
  void from_positions(const float* from, int64_t D, int64_t N, int64_t stride, float factor = 1.f) const {
    walk(D, N, [=](int64_t d, int64_t i, T& x) { x = static_cast<T>(from[i * stride + d] * factor); });
  }
  // A part of the positions.
  Head from(int64_t i) const {
    Head part = *this;
    part.data += i * position;
    return part;
  }
};

// Memory for one thread, handed out in rows of zeros.
class Scratch {
 public:
  explicit Scratch(int64_t floats) : memory_(floats + WIDTH), next_(memory_.data()) {}
  float* zeros(int64_t floats) {
    float* rows = next_;
    next_ += floats;
    TORCH_INTERNAL_ASSERT(next_ <= memory_.data() + memory_.size());
    std::fill(rows, next_, 0.f);
    return rows;
  }
  void reset() { next_ = memory_.data(); }

 private:
  std::vector<float> memory_;
  float* next_;
};

template <typename F>
void for_depth(int64_t D, F f) {
  switch (D) {
#define CASE(n) \
  case n:       \
    return f(std::integral_constant<int, n>());
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#undef CASE
  }
}

struct Shape {
  int64_t heads, all, D, queries, keys;
  Shape(const at::Tensor& q, const at::Tensor& k, int64_t heads)
      : heads(heads), all(q.size(0) * heads), D(q.size(1) / heads), queries(q.size(2)), keys(k.size(2)) {}
};

template <typename T>
void forward_heads(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, at::Tensor& o, at::Tensor& log_sum,
                   double scale, int64_t heads) {
  constexpr bool exact = std::is_same_v<T, float>;
  const Shape shape(q, k, heads);
  const int64_t D = shape.D, N = shape.queries, M = shape.keys;
  const float factor = scale * LOG2_E;
  float* logs = log_sum.mutable_data_ptr<float>();
  at::parallel_for(0, shape.all, 1, [&](int64_t begin, int64_t end) {
    const int64_t depth = round_up(D, WIDTH), rows = round_up(M, BLOCK);
    const int64_t lanes = round_up(N, WIDTH), stride = row_stride(N);
    Scratch scratch(2 * rows * depth + 2 * round_up(D, GROUP) * std::max(TILE, stride) + TILE + stride);
    for (int64_t number = begin; number < end; number++) {
      scratch.reset();
      const Head<T> qs(q, number, heads), ks(k, number, heads), vs(v, number, heads), os(o, number, heads);
      if (D <= NARROW) {
        float *q_ = scratch.zeros(D * stride), *o_ = scratch.zeros(D * stride), *log_ = scratch.zeros(stride);
        float *k_ = scratch.zeros(D * M), *v_ = scratch.zeros(D * M);
        qs.to_channels(q_, D, N, stride, factor);
        ks.to_positions(k_, D, M, D);
        vs.to_positions(v_, D, M, D);
        for_depth(D, [&](auto depth) { narrow_forward<depth, exact>(q_, k_, v_, o_, log_, lanes, stride, M); });
        os.from_channels(o_, D, N, stride);
        std::copy(log_, log_ + N, logs + number * N);
        continue;
      }
      float *k_ = scratch.zeros(rows * depth), *v_ = scratch.zeros(rows * depth);
      float *q_ = scratch.zeros(D * TILE), *o_ = scratch.zeros(round_up(D, GROUP) * TILE), *log_ = scratch.zeros(TILE);
      ks.to_positions(k_, D, M, depth);
      vs.to_positions(v_, D, M, depth);
      for (int64_t i = 0; i < N; i += TILE) {
        const int64_t here = std::min(TILE, N - i);
        qs.from(i).to_channels(q_, D, here, TILE, factor);
        wide_forward<exact>(q_, k_, v_, o_, log_, D, depth, M);
        os.from(i).from_channels(o_, D, here, TILE);
        std::copy(log_, log_ + here, logs + number * N + i);
      }
    }
  });
}

// Each query's sum of g * o, both by channel.
void products(const float* g, const float* o, float* product, int64_t D, int64_t lanes) {
  std::fill(product, product + lanes, 0.f);
  for (int64_t d = 0; d < D; d++)
    for (int64_t i = 0; i < lanes; i++) product[i] += g[d * lanes + i] * o[d * lanes + i];
}

template <typename T>
void backward_heads(const at::Tensor& g, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const at::Tensor& o, const at::Tensor& log_sum, at::Tensor& dq, at::Tensor& dk, at::Tensor& dv,
                    double scale, int64_t heads) {
  constexpr bool exact = std::is_same_v<T, float>;
  const Shape shape(q, k, heads);
  const int64_t D = shape.D, N = shape.queries, M = shape.keys;
  const float factor = scale * LOG2_E;
  const float* logs = log_sum.const_data_ptr<float>();
  at::parallel_for(0, shape.all, 1, [&](int64_t begin, int64_t end) {
    const int64_t depth = round_up(D, WIDTH), rows = round_up(M, BLOCK);
    const int64_t lanes = round_up(N, WIDTH), stride = row_stride(N);
    Scratch scratch(4 * rows * depth + 4 * round_up(D, GROUP) * std::max(TILE, stride) + 2 * TILE * depth +
                    2 * TILE + 2 * stride);
    for (int64_t number = begin; number < end; number++) {
      scratch.reset();
      const Head<T> gs(g, number, heads), qs(q, number, heads), ks(k, number, heads), vs(v, number, heads);
      const Head<T> os(o, number, heads), dqs(dq, number, heads), dks(dk, number, heads), dvs(dv, number, heads);
      const bool narrow = D <= NARROW;
      const int64_t wide = narrow ? D : depth, tile = narrow ? stride : TILE;
      float *k_ = scratch.zeros(rows * wide), *v_ = scratch.zeros(rows * wide);
      float *dk_ = scratch.zeros(rows * wide), *dv_ = scratch.zeros(rows * wide);
      float *q_ = scratch.zeros(D * tile), *g_ = scratch.zeros(D * tile), *o_ = scratch.zeros(D * tile);
      float *dq_ = scratch.zeros(round_up(D, GROUP) * tile), *log_ = scratch.zeros(tile);
      float* product = scratch.zeros(tile);
      ks.to_positions(k_, D, M, wide);
      vs.to_positions(v_, D, M, wide);
      if (narrow) {
        qs.to_channels(q_, D, N, stride, factor);
        gs.to_channels(g_, D, N, stride);
        os.to_channels(o_, D, N, stride);
        std::copy(logs + number * N, logs + (number + 1) * N, log_);
        products(g_, o_, product, D, stride);
        for_depth(D, [&](auto depth) {
          narrow_backward<depth, exact>(q_, k_, v_, g_, log_, product, dq_, dk_, dv_, lanes, stride, M);
        });
        dqs.from_channels(dq_, D, N, stride, scale);
      } else {
        float *q_rows = scratch.zeros(TILE * depth), *g_rows = scratch.zeros(TILE * depth);
        for (int64_t i = 0; i < N; i += TILE) {
          const int64_t here = std::min(TILE, N - i);
          if (here < TILE)  // what the tile before left behind the last query
            for (float* rest : {q_, g_, o_, q_rows, g_rows, log_})
              std::fill(rest, rest + (rest == log_ ? 1 : rest == q_rows || rest == g_rows ? depth : D) * TILE, 0.f);
          qs.from(i).to_channels(q_, D, here, TILE, factor);
          qs.from(i).to_positions(q_rows, D, here, depth, factor);
          gs.from(i).to_channels(g_, D, here, TILE);
          gs.from(i).to_positions(g_rows, D, here, depth);
          os.from(i).to_channels(o_, D, here, TILE);
          std::copy(logs + number * N + i, logs + number * N + i + here, log_);
          products(g_, o_, product, D, TILE);
          wide_backward<exact>(q_, q_rows, k_, v_, g_, g_rows, log_, product, dq_, dk_, dv_, D, depth, M);
          dqs.from(i).from_channels(dq_, D, here, TILE, scale);
        }
      }
      dks.from_positions(dk_, D, M, wide, 1 / LOG2_E);  // q came with the scale in it, and with log2(e)
      dvs.from_positions(dv_, D, M, wide);
    }
  });
}

std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                                           int64_t heads) {
  at::Tensor o = at::empty_like(q);
  at::Tensor log_sum = at::empty({q.size(0), heads, q.size(2)}, q.options().dtype(at::kFloat));
  if (q.scalar_type() == at::kBFloat16)
    forward_heads<at::BFloat16>(q, k, v, o, log_sum, scale, heads);
  else
    forward_heads<float>(q, k, v, o, log_sum, scale, heads);
  return {o, log_sum};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& g, const at::Tensor& q, const at::Tensor& k,
                                                        const at::Tensor& v, const at::Tensor& o,
                                                        const at::Tensor& log_sum, double scale, int64_t heads) {
  at::Tensor dq = at::empty_like(q), dk = at::empty_like(k), dv = at::empty_like(v);
  if (q.scalar_type() == at::kBFloat16)
    backward_heads<at::BFloat16>(g, q, k, v, o, log_sum, dq, dk, dv, scale, heads);
  else
    backward_heads<float>(g, q, k, v, o, log_sum, dq, dk, dv, scale, heads);
  return {dq, dk, dv};
}

// 2^x of each number, several times over: so many exponentials a second can an attention have at best.
at::Tensor powers(const at::Tensor& x, bool exact, int64_t rounds) {
  at::Tensor result = at::empty_like(x);
  const float* from = x.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  at::parallel_for(0, x.numel() / WIDTH, 1, [&](int64_t begin, int64_t end) {
    for (int64_t round = 0; round < rounds; round++)
      for (int64_t i = begin * WIDTH; i < end * WIDTH; i += WIDTH) {
        const Vec number = Vec::loadu(from + i);
        (exact ? exp2<true>(number) : exp2<false>(number)).store(to + i);
      }
  });
  return result;
}

}  // namespace

TORCH_LIBRARY(cnntention, library) {
  library.def("attention(Tensor q, Tensor k, Tensor v, float scale, int heads) -> (Tensor, Tensor)");
  library.def(
      "attention_backward(Tensor g, Tensor q, Tensor k, Tensor v, Tensor o, Tensor log_sum, float scale, int heads) "
      "-> (Tensor, Tensor, Tensor)");
  library.def("powers(Tensor x, bool exact, int rounds) -> Tensor");
}

TORCH_LIBRARY_IMPL(cnntention, CPU, library) {
  library.impl("attention", &forward);
  library.impl("attention_backward", &backward);
  library.impl("powers", &powers);
}
