#include "davit/files.hpp"

#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "davit/containers.hpp"
#include "engine/bundle.hpp"
#include "engine/events/record.hpp"
#include "engine/roots.hpp"
#include "reconcile/labels.hpp"
#include "registry/reference.hpp"
#include "rootfs/commit.hpp"
#include "rootfs/container_root.hpp"
#include "rootfs/copy.hpp"
#include "rootfs/tree_reader.hpp"
#include "runtime/oci/document.hpp"

#include <optional>

namespace davit {

namespace {

rootfs::ContainerRoot root_of(Engine& engine, const ContainerInfo& container) {
    return rootfs::ContainerRoot::as_seen(spec_of(roots_of(engine), container), container.pid);
}

std::string copying_from(const ContainerInfo& container) { return "copying from container " + container.name; }
std::string copying_to(const ContainerInfo& container) { return "copying to container " + container.name; }

// Its processes stand still while its files are read.
class Paused {
public:
    Paused(Engine& engine, const ContainerInfo& container, bool wanted)
        : engine_(engine), container_(container), paused_(wanted && container.state == ContainerState::running) {
        if (paused_) try {
                pause_container(engine_, container_);
            } catch (const Error&) {
                if (!has_ended()) throw;
                paused_ = false;
            }
    }
    ~Paused() {
        if (paused_) try {
                end();
            } catch (const Error&) { // another error is on its way, and matters more
            }
    }
    Paused(const Paused&) = delete;
    Paused& operator=(const Paused&) = delete;
    void end() {
        if (!std::exchange(paused_, false) || has_ended()) return;
        try {
            unpause_container(engine_, container_);
        } catch (const Error&) {
            if (!has_ended()) throw;
        }
    }

private:
    // Its last process may have ended before it was to stand still, and its end be told only meanwhile.
    bool has_ended() const {
        try {
            return find_container(engine_, container_.id).pid == 0;
        } catch (const Error& e) {
            return e.kind() == Errc::not_found;
        }
    }

    Engine& engine_;
    const ContainerInfo& container_;
    bool paused_;
};

} // namespace

runtime::Spec spec_of(const Roots& roots, const ContainerInfo& container) {
    const std::string file = ProjectPaths(roots, container.project).bundle(container.id);
    return runtime::spec_from_json(read_file(file), file);
}

void copy_from(Engine& engine, const ContainerInfo& container, const std::string& path, const std::string& to,
               const CopyOptions& options, std::stop_token stop) {
    const auto root = root_of(engine, container);
    record_event(roots_of(engine), container, "archive-path");
    in_context(copying_from(container), [&] {
        rootfs::copy(rootfs::in_container(root.fd(), path, container.name), rootfs::on_host(to), options, stop);
    });
}

void copy_to(Engine& engine, const ContainerInfo& container, const std::string& from, const std::string& path,
             const CopyOptions& options, std::stop_token stop) {
    const auto root = root_of(engine, container);
    record_event(roots_of(engine), container, "extract-to-dir");
    in_context(copying_to(container), [&] {
        rootfs::copy(rootfs::on_host(from), rootfs::in_container(root.fd(), path, container.name), options, stop);
    });
}

void read_tar(Engine& engine, const ContainerInfo& container, const std::string& path, int fd,
              const CopyOptions& options, std::stop_token stop) {
    const auto root = root_of(engine, container);
    record_event(roots_of(engine), container, "archive-path");
    in_context(copying_from(container),
               [&] { rootfs::copy_to_tar(rootfs::in_container(root.fd(), path, container.name), options, fd, stop); });
}

void write_tar(Engine& engine, const ContainerInfo& container, const std::string& path, int fd, std::stop_token stop) {
    const auto root = root_of(engine, container);
    record_event(roots_of(engine), container, "extract-to-dir");
    in_context(copying_to(container),
               [&] { rootfs::copy_from_tar(fd, rootfs::in_container(root.fd(), path, container.name), stop); });
}

void export_files(Engine& engine, const ContainerInfo& container, int fd, std::stop_token stop) {
    const auto root = rootfs::ContainerRoot::own_files(spec_of(roots_of(engine), container), container.pid);
    in_context("exporting container " + container.name, [&] {
        archive::TarStream tar(archive::to_fd(fd, stop));
        rootfs::ReadOptions contents;
        contents.contents_only = true;
        rootfs::read_tree(root.fd(), ".", "", tar, contents);
        tar.finish();
    });
    record_event(roots_of(engine), container, "export");
}

image::Image commit(Engine& engine, const ContainerInfo& container, const CommitOptions& options,
                    std::stop_token stop) {
    std::optional<registry::Reference> name;
    if (!options.name.empty()) name = registry::Reference::parse(options.name);
    const Roots roots = roots_of(engine);
    image::Store store(roots.images());
    const auto base = store.find(container.image_id);
    if (!base)
        throw error(Errc::not_found, "the image {} of container {} is no longer there", container.image,
                    container.name);
    Paused paused(engine, container, options.pause);
    image::Image image = rootfs::commit(store, *base, spec_of(roots, container), options,
                                        {label::of_user(container.labels), container.expose}, stop);
    if (name) {
        store.tag(image, *name);
        image.tags.push_back(name->familiar());
    }
    record_image_event(roots, "create", image.id, image.id, image.config.labels);
    if (name) record_image_event(roots, "tag", image.id, name->familiar(), image.config.labels);
    record_event(roots, container, "commit",
                 {{"comment", options.message}, {"imageID", image.id}, {"imageRef", name ? name->familiar() : ""}});
    paused.end();
    return image;
}

} // namespace davit
