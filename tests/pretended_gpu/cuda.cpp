// A GPU that does nothing: stands in for CUDA's runtime and driver, so that torch's CUDA build sees one H100.
// Memory is host memory. Kernels are counted and not run, so numbers in tensors mean nothing. What it shows is real all
// the same: where tensors are, what torch, Inductor and Triton ask of a GPU, and how often.
// Built against the headers of the CUDA toolkit that torch was built with; loaded before torch (LD_PRELOAD).
#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> kernels{0}, graphs{0}, copies{0}, memsets{0}, syncs{0};
std::atomic<bool> capturing{false};

// Within a capture nothing happens on a GPU: work becomes part of the graph.
void count(std::atomic<long>& what) {
  if (!capturing) what++;
}

const cudaDeviceProp* properties() {
  static const cudaDeviceProp* known = [] {
    auto* p = new cudaDeviceProp();
    std::strcpy(p->name, "NVIDIA H100 (pretended)");
    const char* capability = std::getenv("PRETENDED_CAPABILITY");  // such as 90 for 9.0
    const int value = capability ? std::atoi(capability) : 90;
    p->major = value / 10;
    p->minor = value % 10;
    p->multiProcessorCount = 132;
    p->totalGlobalMem = 80ull << 30;
    p->warpSize = 32;
    p->maxThreadsPerBlock = 1024;
    p->maxThreadsPerMultiProcessor = 2048;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    p->sharedMemPerBlock = 49152;
    p->sharedMemPerBlockOptin = p->sharedMemPerMultiprocessor = 232448;
    p->l2CacheSize = 52428800;
    for (int axis = 0; axis < 3; axis++) {
      p->maxGridSize[axis] = axis ? 65535 : 2147483647;
      p->maxThreadsDim[axis] = axis < 2 ? 1024 : 64;
    }
    return p;
  }();
  return known;
}

int nothing() { return 0; }

}  // namespace

// ---- what the tests read

extern "C" {
long pretended_kernels() { return kernels; }
long pretended_graphs() { return graphs; }
long pretended_copies() { return copies; }
long pretended_memsets() { return memsets; }
long pretended_syncs() { return syncs; }
}

// ---- torch's own questions about the device

namespace c10::cuda {
signed char device_count() noexcept { return 1; }
signed char device_count_ensure_non_zero() { return 1; }
signed char current_device() { return 0; }
void set_device(signed char, bool) {}
cudaError_t GetDeviceCount(int* n) { *n = 1; return cudaSuccess; }
cudaError_t GetDevice(signed char* device) { *device = 0; return cudaSuccess; }
cudaError_t SetDevice(signed char, bool) { return cudaSuccess; }
cudaError_t MaybeSetDevice(signed char) { return cudaSuccess; }
signed char ExchangeDevice(signed char) { return 0; }
signed char MaybeExchangeDevice(signed char) { return 0; }
bool hasPrimaryContext(signed char) { return true; }
}  // namespace c10::cuda

namespace at::cuda {
const cudaDeviceProp* getCurrentDeviceProperties() { return properties(); }
const cudaDeviceProp* getDeviceProperties(signed char) { return properties(); }
int warp_size() { return 32; }
}  // namespace at::cuda

extern "C" {

// ---- runtime: the device

cudaError_t cudaGetDeviceCount(int* n) { *n = 1; return cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { *device = 0; return cudaSuccess; }
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { *version = CUDART_VERSION; return cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { *version = CUDART_VERSION; return cudaSuccess; }
cudaError_t cudaDeviceGetStreamPriorityRange(int* low, int* high) { *low = 0; *high = -5; return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t* free, size_t* all) { *free = 70ull << 30; *all = 80ull << 30; return cudaSuccess; }
cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) { *can = 0; return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) { *p = *properties(); return cudaSuccess; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = properties()->major; break;
    case cudaDevAttrComputeCapabilityMinor: *value = properties()->minor; break;
    case cudaDevAttrMultiProcessorCount: *value = properties()->multiProcessorCount; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = properties()->maxThreadsPerBlock; break;
    case cudaDevAttrWarpSize: *value = 32; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = properties()->sharedMemPerBlock; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = properties()->sharedMemPerBlockOptin; break;
    case cudaDevAttrMaxGridDimX: *value = 2147483647; break;
    default: *value = 65535;
  }
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {};
  attributes->maxThreadsPerBlock = 1024;
  attributes->numRegs = 32;
  attributes->binaryVersion = attributes->ptxVersion = 90;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, const void*, int, size_t) { *n = 2; return cudaSuccess; }
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* n, const void*, int, size_t, unsigned) { *n = 2; return cudaSuccess; }

// ---- runtime: memory

cudaError_t cudaMalloc(void** pointer, size_t size) {
  *pointer = std::aligned_alloc(512, (size + 511) / 512 * 512);
  if (!*pointer) return cudaErrorMemoryAllocation;
  std::memset(*pointer, 0, size);
  return cudaSuccess;
}
cudaError_t cudaFree(void* pointer) { std::free(pointer); return cudaSuccess; }
cudaError_t cudaHostAlloc(void** pointer, size_t size, unsigned) { *pointer = std::malloc(size); return cudaSuccess; }
cudaError_t cudaFreeHost(void* pointer) { std::free(pointer); return cudaSuccess; }
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind, cudaStream_t) {
  count(copies);
  std::memcpy(to, from, size);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind kind) { return cudaMemcpyAsync(to, from, size, kind, nullptr); }
cudaError_t cudaMemsetAsync(void* to, int value, size_t size, cudaStream_t) {
  count(memsets);
  std::memset(to, value, size);
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  *attributes = {};
  attributes->type = cudaMemoryTypeUnregistered;
  return cudaSuccess;
}

// ---- runtime: streams, events, kernels

cudaError_t cudaDeviceSynchronize() { syncs++; return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { syncs++; return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { syncs++; return cudaSuccess; }
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) { *stream = (cudaStream_t)std::malloc(8); return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* event) { *event = (cudaEvent_t)std::malloc(8); return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return cudaEventCreate(event); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { std::free(event); return cudaSuccess; }
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t) { count(kernels); return cudaSuccess; }
cudaError_t __cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t) { count(kernels); return cudaSuccess; }
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t*, const void*, void**) { count(kernels); return cudaSuccess; }

// ---- runtime: graphs

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) { capturing = true; return cudaSuccess; }
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  capturing = false;
  *graph = (cudaGraph_t)8;
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
// In the order of CUDA 13; the last three are not always asked for.
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
                                     cudaGraph_t* graph, const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* number) {
  if (id) *id = 1;
  if (graph) *graph = (cudaGraph_t)8;
  if (dependencies) *dependencies = nullptr;
  if (edges) *edges = nullptr;
  if (number) *number = 0;
  return cudaStreamIsCapturing(stream, status);
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t, unsigned long long) { *executable = (cudaGraphExec_t)8; return cudaSuccess; }
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t, unsigned long long) { *executable = (cudaGraphExec_t)8; return cudaSuccess; }
cudaError_t cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t*, size_t* number) { *number = 1; return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { graphs++; return cudaSuccess; }

// ---- driver: what torch and Triton ask for by name

int cuInit(unsigned) { return 0; }
int cuDriverGetVersion(int* version) { *version = CUDART_VERSION; return 0; }
int cuDeviceGetCount(int* n) { *n = 1; return 0; }
int cuDeviceGet(int* device, int) { *device = 0; return 0; }
int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* active) { *flags = 0; *active = 1; return 0; }
int cuDevicePrimaryCtxRetain(void** context, int) { *context = (void*)8; return 0; }
int cuCtxGetCurrent(void** context) { *context = (void*)8; return 0; }
int cuCtxGetDevice(int* device) { *device = 0; return 0; }
int cuGetErrorString(int, const char** text) { *text = "pretended"; return 0; }
int cuGetErrorName(int, const char** text) { *text = "pretended"; return 0; }
int cuDeviceGetAttribute(int* value, int attribute, int) {
  // The first attributes have the same numbers as the runtime's.
  cudaDeviceGetAttribute(value, (cudaDeviceAttr)attribute, 0);
  if (attribute == 12 || attribute == 82) *value = 65536;   // registers of a block, of a multiprocessor
  if (attribute == 39) *value = 2048;                       // threads of a multiprocessor
  if (attribute == 81) *value = 233472;                     // shared memory of a multiprocessor
  return 0;
}
int cuModuleLoadData(void** module, const void*) { *module = (void*)16; return 0; }
int cuModuleLoadDataEx(void** module, const void*, unsigned, void*, void**) { *module = (void*)16; return 0; }
int cuModuleGetFunction(void** function, void*, const char*) { *function = (void*)32; return 0; }
int cuFuncGetAttribute(int* value, int attribute, void*) { *value = attribute == 0 ? 1024 : attribute == 4 ? 32 : 0; return 0; }
int cuPointerGetAttribute(void* value, int, unsigned long long pointer) { *(unsigned long long*)value = pointer; return 0; }
int cuStreamIsCapturing(void*, int* status) { *status = capturing; return 0; }
int cuLaunchKernel() { count(kernels); return 0; }
int cuLaunchKernelEx() { count(kernels); return 0; }
int cuLaunchCooperativeKernel() { count(kernels); return 0; }
int cuGetProcAddress(const char*, void** function, int, unsigned long long, int* status) {
  *function = (void*)nothing;
  if (status) *status = 0;
  return 0;
}
int cuGetProcAddress_v2(const char* name, void** function, int version, unsigned long long flags, int* status) {
  return cuGetProcAddress(name, function, version, flags, status);
}
cudaError_t cudaGetDriverEntryPointByVersion(const char*, void** function, unsigned, unsigned long long, cudaDriverEntryPointQueryResult* result) {
  *function = (void*)nothing;
  if (result) *result = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}
}  // extern "C"

// ---- what only has to succeed; defined by name, since their arguments do not matter

#define SUCCEEDS(name) extern "C" __attribute__((visibility("default"))) int pretended_##name() __asm__(#name); int pretended_##name() { return 0; }
SUCCEEDS(cuCtxGetLimit) SUCCEEDS(cuCtxPushCurrent_v2) SUCCEEDS(cuCtxSetCurrent) SUCCEEDS(cuCtxSetLimit)
SUCCEEDS(cuCtxSynchronize) SUCCEEDS(cuFuncSetAttribute) SUCCEEDS(cuFuncSetCacheConfig) SUCCEEDS(cuLinkAddData_v2)
SUCCEEDS(cuLinkComplete) SUCCEEDS(cuLinkCreate_v2) SUCCEEDS(cuMemAlloc_v2) SUCCEEDS(cuMemFree_v2) SUCCEEDS(cuModuleLoad)
SUCCEEDS(cuModuleUnload) SUCCEEDS(cuOccupancyMaxActiveBlocksPerMultiprocessor) SUCCEEDS(cuOccupancyMaxActiveClusters)
SUCCEEDS(cuTensorMapEncodeIm2col) SUCCEEDS(cuTensorMapEncodeTiled)
SUCCEEDS(cudaGetLastError) SUCCEEDS(cudaPeekAtLastError) SUCCEEDS(cudaThreadExchangeStreamCaptureMode)
SUCCEEDS(cudaEventRecord) SUCCEEDS(cudaEventRecordWithFlags) SUCCEEDS(cudaEventQuery) SUCCEEDS(cudaEventElapsedTime)
SUCCEEDS(cudaStreamQuery) SUCCEEDS(cudaStreamWaitEvent) SUCCEEDS(cudaStreamDestroy) SUCCEEDS(cudaStreamGetPriority)
SUCCEEDS(cudaStreamUpdateCaptureDependencies) SUCCEEDS(cudaFuncSetAttribute) SUCCEEDS(cudaDeviceGetPCIBusId)
SUCCEEDS(cudaDeviceGetDefaultMemPool) SUCCEEDS(cudaDeviceGetGraphMemAttribute) SUCCEEDS(cudaDeviceSetGraphMemAttribute)
SUCCEEDS(cudaDeviceEnablePeerAccess) SUCCEEDS(cudaGraphDestroy) SUCCEEDS(cudaGraphExecDestroy)
SUCCEEDS(cudaGraphRetainUserObject) SUCCEEDS(cudaUserObjectCreate) SUCCEEDS(cudaUserObjectRelease)
SUCCEEDS(cudaHostRegister) SUCCEEDS(cudaHostUnregister) SUCCEEDS(cudaMemset) SUCCEEDS(cudaProfilerStart)
SUCCEEDS(cudaProfilerStop) SUCCEEDS(cudaPushCallConfiguration) SUCCEEDS(cudaPopCallConfiguration)
SUCCEEDS(cudaRegisterFatBinary) SUCCEEDS(cudaRegisterFatBinaryEnd) SUCCEEDS(cudaUnregisterFatBinary)
SUCCEEDS(cudaRegisterFunction) SUCCEEDS(cudaRegisterVar)
