// Blobs of layers that stand in the store only unpacked: builds leave directories, and the tar is made when somebody
// else wants it.
#pragma once

#include "davit/image.hpp"
#include "image/store.hpp"
#include "registry/descriptor.hpp"

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace davit::image {

using TarSink = std::function<void(std::string_view)>;

// Gives sink the uncompressed tar of a layer, of which `directory` (an open directory, the caller's) is all there is.
// It must be the very bytes that the layer's diffID is of: whoever uses it checks. May be called from several threads.
using BlobMaker = std::function<void(const Layer& layer, int directory, const TarSink& sink)>;

// Whether the manifest names the layer's tar itself, which is not in the store: then it is made of the directory.
bool is_to_be_made(const Store& store, const registry::Descriptor& blob, const Layer& layer);

// The layer's tar, from its blob where that is here (`blob`, the digest of the layer's record, or the image's), else
// from maker. Errc::failed when the bytes are not the diffID's: then sink has got them all the same, and what it made
// of them is worth nothing.
void write_layer(const Store& store, const Layer& layer, const std::string& blob, const BlobMaker& maker,
                 const TarSink& sink);

// How a layer's blob is written; as it is: the tar itself.
enum class BlobForm { gzip, zstd, plain };

// The same as gzip, kept in the store beside the layer: the next call finds it. manifest_type decides what the blob's
// media type is called. The lease keeps it until then. progress: bytes of the tar so far.
registry::Descriptor gzip_layer(Store& store, Lease& lease, const std::vector<std::string>& diff_ids, std::size_t i,
                                const Layer& layer, const BlobMaker& maker, const std::string& manifest_type,
                                const std::function<void(std::uint64_t)>& progress, const std::stop_token& stop);

// The same in that form. What the layer has already stays, in whatever form it is, unless it is forced.
registry::Descriptor make_layer_blob(Store& store, Lease& lease, const std::vector<std::string>& diff_ids,
                                     std::size_t i, const Layer& layer, const BlobMaker& maker, BlobForm form,
                                     bool force, const std::function<void(std::uint64_t)>& progress,
                                     const std::stop_token& stop);

// A layer's media type as a manifest of that type calls it: OCI's names in OCI's, Docker's in Docker's.
std::string layer_type_for(const std::string& manifest_type, const std::string& layer_type);

} // namespace davit::image
