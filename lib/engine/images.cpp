#include "davit/images.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "build/layer_blobs.hpp"
#include "engine/engine_impl.hpp"
#include "engine/events/record.hpp"
#include "engine/revisions/history.hpp"
#include "engine/roots.hpp"
#include "image/archive.hpp"
#include "image/platform.hpp"
#include "image/pull.hpp"
#include "project/store.hpp"
#include "registry/remote_image.hpp"
#include "registry/tags.hpp"
#include "swarm/store.hpp"

#include <deque>
#include <fmt/ranges.h>
#include <future>
#include <set>

namespace davit {

namespace {

image::Store store_of(Engine& engine) { return image::Store(roots_of(engine).images()); }

// Where no id begins so it is a name, of which it tells the tag that was looked for.
Error no_such_image(const image::Store& store, const std::string& name) {
    const bool id = name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!id) try {
            const auto reference = registry::Reference::parse(name);
            auto missing = error(Errc::not_found, "No such image: {}", reference.familiar());
            image::hint_at_others(missing, store, reference);
            return missing.with_resource("image:" + reference.familiar());
        } catch (const Error& e) {
            return Error(Errc::invalid_project, e.what()).with_hint(e.hint());
        }
    return error(Errc::not_found, "No such image: {}", name).with_resource("image:" + name);
}

image::Image required(const image::Store& store, const std::string& name) {
    if (auto found = store.find(name)) return std::move(*found);
    throw no_such_image(store, name);
}

std::vector<std::string> users_of(const Roots& roots, const image::Image& image,
                                  std::string ContainerRecord::*called = &ContainerRecord::name) {
    const RecordStore records(roots);
    std::vector<std::string> out;
    for (const auto& project : list_directory(roots.projects()))
        for (const auto& container : records.containers(project))
            if (container.image_id == image.id) out.push_back(container.*called);
    return out;
}

// Refused where the image would be gone, and the project is up. Of projects that are down nobody is in the way: who
// removes an image by its name means it, and a rollback says what it lacks.
void check_no_revision_needs(const Roots& roots, const image::Store& store, const std::string& name) {
    const auto image = store.find(name);
    if (!image || !users_of(roots, *image).empty()) return; // the store says so
    const bool one_of_several = image->tags.size() > 1;
    if (one_of_several) return; // only a name goes, or the store says so
    const auto all = images_of_revisions(roots, true);
    std::vector<std::string> needed;
    for (auto [it, end] = all.equal_range(image->id); it != end; ++it) needed.push_back(it->second);
    if (needed.empty()) return;
    throw error(Errc::conflict, "the image {} is needed by {}", name, fmt::join(needed, ", "))
        .with_hint(
            "-f removes it all the same, and there is no way back then; 'davit history prune' forgets revisions");
}

// A service without a task at the moment makes its next one from these.
std::set<std::string> images_of_services(const Roots& roots) {
    const swarm::Paths paths(roots);
    std::set<std::string> out;
    for (const auto& id : list_directory(paths.services()))
        for (const auto& version : list_directory(paths.service_dir(id) + "/templates")) {
            const std::string file = paths.service_dir(id) + "/templates/" + version + "/record.json";
            if (const auto text = read_file_if_exists(file); text && !text->empty())
                out.insert(container_record_from_json(*text, file).image_id);
        }
    return out;
}

// Revisions are roots: what a rollback needs stays.
image::PruneOptions prune_options(Engine& engine, const PruneImageOptions& options) {
    const Roots roots = roots_of(engine);
    return {options.all,
            [roots, kept = images_of_revisions(roots), services = images_of_services(roots)](const image::Image& i) {
                return kept.count(i.id) != 0 || services.count(i.id) != 0 || !users_of(roots, i).empty();
            },
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

image::Image require_image(Engine& engine, const std::string& name, const std::string& platform) {
    image::Store store = store_of(engine);
    image::Image out = required(store, name);
    if (platform.empty()) return out;
    const image::Platform wanted = image::parse_platform(platform);
    const auto fits = [&](const image::Platform& has) { return distance(wanted, has) == 0; };
    const auto reference = registry::Reference::try_parse(name);
    auto several = reference ? store.index_of(*reference) : std::nullopt;
    if (!several) several = store.index_of(out);
    if (several)
        for (const image::Variant& member : several->members)
            if (fits(member.platform)) return required(store, member.id);
    if (!several && fits(out.platform)) return out;
    throw error(Errc::not_found, "image with reference {} was found but does not provide the specified platform ({})",
                name, platform);
}

std::vector<std::string> layer_directories(Engine& engine, const image::Image& image) {
    return store_of(engine).layer_paths(image);
}

std::vector<std::string> containers_of(Engine& engine, const image::Image& image) {
    return users_of(roots_of(engine), image);
}

std::vector<ImageVariant> image_variants(Engine& engine, const image::Image& image) {
    std::vector<ImageVariant> out;
    if (const auto several = store_of(engine).index_of(image))
        for (const auto& member : several->members) out.push_back({member.platform, member.id, member.size});
    return out;
}

std::vector<std::string> repository_digests(Engine& engine, const image::Image& image) {
    const image::Store store = store_of(engine);
    std::vector<std::string> out = image.digests;
    for (const std::string& tag : image.tags) {
        const auto reference = registry::Reference::try_parse(tag);
        if (!reference) continue;
        const std::string repository = reference->familiar_name() + "@";
        const bool known = std::any_of(out.begin(), out.end(),
                                       [&](const std::string& digest) { return digest.starts_with(repository); });
        const auto index = store.index_of(*reference);
        const std::string digest = index ? index->document.digest : image.manifest_digest;
        if (!known && !digest.empty()) out.push_back(repository + digest);
    }
    return out;
}

void tag_image(Engine& engine, const std::string& source, const std::string& target) {
    image::Store store = store_of(engine);
    const auto reference = registry::Reference::parse(target);
    if (!reference.digest().empty()) throw error(Errc::usage, "refusing to create a tag with a digest reference");
    const image::Image image = required(store, source);
    const auto named = registry::Reference::try_parse(source);
    auto several = named ? store.index_of(*named) : std::nullopt;
    if (!named || !store.find(*named)) several = store.index_of(image); // by its id: what its names stand for
    if (several) store.tag(*several, reference);
    else store.tag(image, reference);
    record_image_event(roots_of(engine), "tag", image.id, reference.familiar(), image.config.labels);
}

namespace {

RemovedImages recorded(const Roots& roots, image::Removed removed) {
    for (const auto& name : removed.untagged) record_image_event(roots, "untag", name, name);
    for (const auto& id : removed.deleted) record_image_event(roots, "delete", id, id);
    return {std::move(removed.untagged), std::move(removed.deleted)};
}

std::vector<LoadedImage> recorded(const Roots& roots, std::vector<LoadedImage> loaded) {
    for (const auto& one : loaded)
        record_image_event(roots, "load", one.image.id, one.image.id, one.image.config.labels);
    return loaded;
}

} // namespace

RemovedImages remove_image(Engine& engine, const std::string& name, const RemoveImageOptions& options) {
    const Roots roots = roots_of(engine);
    image::RemoveOptions how{options.force, options.no_prune, std::nullopt,
                             [&](const image::Image& i) { return users_of(roots, i, &ContainerRecord::id); }};
    if (!options.platform.empty()) how.platform = image::parse_platform(options.platform);
    image::Store store = store_of(engine);
    return about("image:" + name, [&] {
        if (!options.force) check_no_revision_needs(roots, store, name);
        if (!store.find(name)) throw no_such_image(store, name);
        return recorded(roots, store.remove(name, how));
    });
}

std::int64_t came_at(Engine& engine, const image::Image& image) {
    const image::Store store = store_of(engine);
    std::optional<std::int64_t> first;
    for (const std::string& tag : image.tags)
        if (const auto reference = registry::Reference::try_parse(tag))
            if (const auto at = store.named_at(*reference)) first = std::min(first.value_or(*at), *at);
    return first ? *first : parse_rfc3339(image.created).value_or(0);
}

PrunedImages prune_images(Engine& engine, const PruneImageOptions& options, std::stop_token stop) {
    image::PruneOptions how = prune_options(engine, options);
    how.stop = stop;
    image::Pruned pruned = store_of(engine).prune(how);
    PrunedImages out{recorded(roots_of(engine), std::move(pruned.removed)), pruned.bytes};
    if (pruned.stopped) heed(stop);
    return out;
}

std::vector<image::Image> prunable_images(Engine& engine, const PruneImageOptions& options) {
    const image::PruneOptions how = prune_options(engine, options);
    std::vector<image::Image> out;
    for (image::Image& i : store_of(engine).list())
        if ((how.all || i.tags.empty()) && !how.in_use(i) && (!how.filter || how.filter(i)))
            out.push_back(std::move(i));
    return out;
}

void empty_image_trash(Engine& engine, std::stop_token stop) { store_of(engine).empty_trash(stop); }

image::Image pull_image(Engine& engine, const std::string& name, const PullImageOptions& options,
                        std::stop_token stop) {
    const auto reference = registry::Reference::parse(name);
    image::PullTotals totals;
    const auto tell = [&, resource = "image:" + reference.familiar()](EventKind kind, const std::string& text,
                                                                      const image::PullProgress* of = nullptr) {
        if (!options.events) return;
        Event event;
        event.kind = kind;
        event.time_ns = sys::realtime_ns();
        event.op = OpKind::pull_image;
        event.resource = resource;
        event.text = text;
        if (of && !of->layer.empty()) event.attributes = image::layer_attributes(*of);
        event.current = kind == EventKind::operation_progress ? totals.current() : 0;
        event.total = kind == EventKind::operation_progress ? totals.total() : 0;
        options.events(event);
    };
    image::FetchOptions how;
    registry::read_daemon_config(how);
    how.platform = options.platform;
    how.keep_free = EngineAccess::of(engine).config.keep_free;
    how.stop = std::move(stop);
    how.warning = [&](const std::string& text) { tell(EventKind::warning, text); };
    how.progress = [&](const image::PullProgress& progress) {
        totals.add(progress);
        tell(EventKind::operation_progress, totals.text(), &progress);
    };
    image::Store store = store_of(engine);
    tell(EventKind::operation_started, "");
    try {
        image::Image image = about("image:" + reference.familiar(), [&] { return image::pull(store, reference, how); });
        record_image_event(roots_of(engine), "pull", reference.familiar(), reference.familiar(), image.config.labels);
        tell(EventKind::operation_done, "");
        return image;
    } catch (const Error& e) {
        tell(EventKind::operation_failed, e.what());
        throw;
    }
}

std::map<std::string, std::string> pinned_images(const std::set<std::string>& names, std::stop_token stop) {
    constexpr std::size_t at_once = 8;
    registry::RegistryOptions options;
    registry::read_daemon_config(options);
    options.stop = stop;
    std::map<std::string, std::string> out;
    ErrorList errors;
    std::deque<std::pair<std::string, std::future<std::string>>> running;
    auto finish_first = [&] {
        errors.run([&] { out[running.front().first] = running.front().second.get(); });
        running.pop_front();
    };
    for (const std::string& name : names) {
        if (running.size() == at_once) finish_first();
        if (stop.stop_requested()) break;
        running.emplace_back(name, async_started(pinned, name, std::cref(options)));
    }
    while (!running.empty()) finish_first();
    heed(stop);
    errors.throw_if_any();
    return out;
}

std::vector<std::string> repository_tags(const std::string& repository, std::stop_token stop) {
    const auto reference = registry::Reference::parse(repository);
    const std::string bare = reference.familiar_name();
    if (repository.size() > bare.size() && (repository.ends_with(":" + reference.tag()) || !reference.digest().empty()))
        throw error(Errc::usage, "tag can't be used with --all-tags/-a");
    return in_context("listing the tags of " + bare, [&] {
        registry::RegistryOptions options;
        registry::read_daemon_config(options);
        options.stop = std::move(stop);
        registry::RegistryClient client(registry::registry_endpoint(reference.domain(), options.insecure_registries),
                                        reference.path(), options);
        return registry::repository_tags(client);
    });
}

std::vector<LoadedImage> load_images(Engine& engine, const std::string& path, const std::string& platform,
                                     std::stop_token stop) {
    image::Store store = store_of(engine);
    return recorded(roots_of(engine), plain(image::load(store, path, {platform, std::move(stop)})));
}

std::vector<LoadedImage> load_images(Engine& engine, int fd, const std::string& name, const std::string& platform,
                                     std::stop_token stop) {
    image::Store store = store_of(engine);
    return recorded(roots_of(engine), plain(image::load(store, fd, name, {platform, std::move(stop)})));
}

void save_images(Engine& engine, const std::vector<std::string>& names, int fd, const std::string& platform,
                 std::stop_token stop) {
    if (names.empty()) throw error(Errc::usage, "no image to save is named");
    const image::Store store = store_of(engine);
    image::save(store, names, fd, {{}, build::layer_blobs(), platform, std::move(stop)});
    for (const std::string& name : names)
        if (const auto image = store.find(name))
            record_image_event(roots_of(engine), "save", image->id, image->id, image->config.labels);
}

void save_image_layout(Engine& engine, const std::vector<std::string>& names, const std::string& directory,
                       const std::string& platform, std::stop_token stop) {
    if (names.empty()) throw error(Errc::usage, "no image to save is named");
    if (directory.empty()) throw error(Errc::usage, "no directory to save to is named");
    image::save_layout(store_of(engine), names, directory, {{}, build::layer_blobs(), platform, std::move(stop)});
}

} // namespace davit
