#include "davit/images.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/layer_blobs.hpp"
#include "engine/roots.hpp"
#include "image/archive.hpp"
#include "image/pull.hpp"
#include "project/store.hpp"
#include "registry/remote_image.hpp"

#include <deque>
#include <future>

namespace davit {

namespace {

image::Store store_of(Engine& engine) { return image::Store(roots_of(engine).images()); }

image::Image required(const image::Store& store, const std::string& name) {
    if (auto found = store.find(name)) return std::move(*found);
    auto missing = error(Errc::not_found, "No such image: {}", name);
    if (const auto reference = registry::Reference::try_parse(name)) image::hint_at_others(missing, store, *reference);
    throw missing;
}

std::vector<std::string> users_of(const Roots& roots, const image::Image& image) {
    const RecordStore records(roots);
    std::vector<std::string> out;
    for (const auto& project : list_directory(roots.projects()))
        for (const auto& container : records.containers(project))
            if (container.image_id == image.id) out.push_back(container.name);
    return out;
}

image::PruneOptions prune_options(Engine& engine, const PruneImageOptions& options) {
    return {options.all, [roots = roots_of(engine)](const image::Image& i) { return !users_of(roots, i).empty(); },
            options.filter};
}

std::vector<LoadedImage> plain(std::vector<image::Loaded>&& loaded) {
    std::vector<LoadedImage> out;
    for (auto& one : loaded) out.push_back({std::move(one.image), std::move(one.references)});
    return out;
}

ImageName name_of(const registry::Reference& r) {
    return {r.familiar_name(), r.tag(), r.digest(), r.familiar(), r.canonical()};
}

// As docker compose writes it: a digest that is given stays and makes the tag superfluous.
std::string pinned(const std::string& name, const registry::RegistryOptions& options) {
    return in_context("looking up the digest of " + name, [&] {
        const registry::Reference reference = registry::Reference::parse(name);
        if (!reference.digest().empty()) return reference.with_digest(reference.digest()).canonical();
        return reference.canonical() + "@" + registry::RemoteImage(reference, options).digest();
    });
}

} // namespace

ImageName parse_image_name(const std::string& text) { return name_of(registry::Reference::parse(text)); }

std::optional<ImageName> try_parse_image_name(const std::string& text) {
    const auto reference = registry::Reference::try_parse(text);
    if (!reference) return std::nullopt;
    return name_of(*reference);
}

std::vector<image::Image> list_images(Engine& engine) { return store_of(engine).list(); }

std::optional<image::Image> find_image(Engine& engine, const std::string& name) { return store_of(engine).find(name); }

image::Image require_image(Engine& engine, const std::string& name) { return required(store_of(engine), name); }

std::vector<std::string> layer_directories(Engine& engine, const image::Image& image) {
    return store_of(engine).layer_paths(image);
}

std::vector<std::string> containers_of(Engine& engine, const image::Image& image) {
    return users_of(roots_of(engine), image);
}

void tag_image(Engine& engine, const std::string& source, const std::string& target) {
    image::Store store = store_of(engine);
    const auto reference = registry::Reference::parse(target);
    if (!reference.digest().empty()) throw error(Errc::usage, "refusing to create a tag with a digest reference");
    store.tag(required(store, source), reference);
}

RemovedImages remove_image(Engine& engine, const std::string& name, const RemoveImageOptions& options) {
    image::RemoveOptions how{options.force, options.no_prune,
                             [roots = roots_of(engine)](const image::Image& i) { return users_of(roots, i); }};
    image::Removed removed = store_of(engine).remove(name, how);
    return {std::move(removed.untagged), std::move(removed.deleted)};
}

PrunedImages prune_images(Engine& engine, const PruneImageOptions& options) {
    image::Pruned pruned = store_of(engine).prune(prune_options(engine, options));
    return {{std::move(pruned.removed.untagged), std::move(pruned.removed.deleted)}, pruned.bytes};
}

std::vector<image::Image> prunable_images(Engine& engine, const PruneImageOptions& options) {
    const image::PruneOptions how = prune_options(engine, options);
    std::vector<image::Image> out;
    for (image::Image& i : store_of(engine).list())
        if ((how.all || i.tags.empty()) && !how.in_use(i) && (!how.filter || how.filter(i)))
            out.push_back(std::move(i));
    return out;
}

void empty_image_trash(Engine& engine) { store_of(engine).empty_trash(); }

image::Image pull_image(Engine& engine, const std::string& name, const PullImageOptions& options,
                        std::stop_token stop) {
    const auto reference = registry::Reference::parse(name);
    image::PullTotals totals;
    const auto tell = [&, resource = "image:" + reference.familiar()](EventKind kind, const std::string& text) {
        if (!options.events) return;
        Event event;
        event.kind = kind;
        event.time_ns = sys::realtime_ns();
        event.op = OpKind::pull_image;
        event.resource = resource;
        event.text = text;
        event.current = kind == EventKind::operation_progress ? totals.current() : 0;
        event.total = kind == EventKind::operation_progress ? totals.total() : 0;
        options.events(event);
    };
    image::FetchOptions how;
    registry::read_daemon_config(how);
    how.platform = options.platform;
    how.stop = std::move(stop);
    how.warning = [&](const std::string& text) { tell(EventKind::warning, text); };
    how.progress = [&](const image::PullProgress& progress) {
        totals.add(progress);
        tell(EventKind::operation_progress, totals.text());
    };
    image::Store store = store_of(engine);
    tell(EventKind::operation_started, "");
    try {
        image::Image image = image::pull(store, reference, how);
        tell(EventKind::operation_done, "");
        return image;
    } catch (const Error& e) {
        tell(EventKind::operation_failed, e.what());
        throw;
    }
}

std::map<std::string, std::string> pinned_images(const std::set<std::string>& names) {
    constexpr std::size_t at_once = 8;
    registry::RegistryOptions options;
    registry::read_daemon_config(options);
    std::map<std::string, std::string> out;
    ErrorList errors;
    std::deque<std::pair<std::string, std::future<std::string>>> running;
    auto finish_first = [&] {
        errors.run([&] { out[running.front().first] = running.front().second.get(); });
        running.pop_front();
    };
    for (const std::string& name : names) {
        if (running.size() == at_once) finish_first();
        running.emplace_back(name, std::async(std::launch::async, pinned, name, std::cref(options)));
    }
    while (!running.empty()) finish_first();
    errors.throw_if_any();
    return out;
}

std::vector<LoadedImage> load_images(Engine& engine, const std::string& path, const std::string& platform,
                                     std::stop_token stop) {
    image::Store store = store_of(engine);
    return plain(image::load(store, path, {platform, std::move(stop)}));
}

std::vector<LoadedImage> load_images(Engine& engine, int fd, const std::string& name, const std::string& platform,
                                     std::stop_token stop) {
    image::Store store = store_of(engine);
    return plain(image::load(store, fd, name, {platform, std::move(stop)}));
}

void save_images(Engine& engine, const std::vector<std::string>& names, int fd) {
    image::save(store_of(engine), names, fd, {{}, build::layer_blobs()});
}

void save_image_layout(Engine& engine, const std::vector<std::string>& names, const std::string& directory) {
    image::save_layout(store_of(engine), names, directory, {{}, build::layer_blobs()});
}

} // namespace davit
