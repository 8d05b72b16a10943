// The files of a stage, mounted from their layers; with a layer on top that a step fills.
#pragma once

#include "base/fd.hpp"
#include "davit/image.hpp"
#include "image/layer_ingest.hpp"
#include "image/store.hpp"
#include "rootfs/container_root.hpp"
#include "runtime/spec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::build {

// Topmost first, as overlayfs wants them, without those that an opaque one hides.
std::vector<std::string> lower_paths(const image::Store& store, const std::vector<image::Layer>& layers);

// To be read, by descriptor; nothing is mounted where others see it.
class ReadRoot {
public:
    ReadRoot(const image::Store& store, image::IngestSession& session, const std::vector<image::Layer>& layers);
    int fd() const { return root_.get(); }

private:
    std::optional<rootfs::ContainerRoot> mounted_;
    UniqueFd root_;
};

class WorkingRoot {
public:
    WorkingRoot(image::Store& store, image::IngestSession& session, const std::vector<image::Layer>& layers);

    const runtime::Overlay& overlay() const { return overlay_; } // for a container
    int fd();                                                    // of the whole tree, mounted on first use

    // The files that the step has changed become a layer; call once nobody writes any more. made: paths that
    // only mounting has made, where they are empty still.
    image::Layer commit(image::Lease& lease, const std::vector<std::string>& made = {});
    // Of these paths inside, those that are missing now, with the directories above them; the deepest first.
    std::vector<std::string> missing(const std::vector<std::string>& paths) const;

private:
    image::Store& store_;
    runtime::Overlay overlay_;
    std::vector<std::string> layers_; // lower, without the empty one
    std::optional<rootfs::ContainerRoot> mounted_;
    UniqueFd root_;
};

} // namespace davit::build
