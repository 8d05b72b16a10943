#include "image/pull.hpp"

#include "base/error.hpp"
#include "image/ingest.hpp"
#include "image/platform.hpp"
#include "image/store_impl.hpp"
#include "registry/client.hpp"

#include <algorithm>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace davit::image {

namespace {

// What need not be fetched. Of a name that an index is behind, the image for this machine where nobody says which.
std::optional<Image> here(const Store& store, const registry::Reference& reference, const std::string& platform) {
    if (!platform.empty()) return store.find(reference, parse_platform(platform));
    if (store.index_of(reference)) return store.find(reference, host_platform());
    return store.find(reference);
}

class Puller : public BlobProvider {
public:
    Puller(Store& store, const registry::Reference& reference, const FetchOptions& options)
        : store_(store), reference_(reference), options_(options),
          wanted_(options.platform.empty() ? host_platform() : parse_platform(options.platform)) {
        if (reference.domain() == "docker.io")
            for (const auto& mirror : options.mirrors) add_mirror(mirror);
        clients_.push_back(std::make_unique<registry::RegistryClient>(
            registry::registry_endpoint(reference.domain(), options.insecure_registries), reference.path(), options));
    }

    Image run() {
        if (auto present = up_to_date()) return std::move(*present);
        std::string listed_digest;
        const registry::RegistryClient::Document document = own_manifest(listed_digest);
        IngestOptions ingest_options{options_.max_parallel > 0
                                         ? options_.max_parallel
                                         : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 3, 8),
                                     options_.progress, options_.stop, options_.keep_free, true};
        Ingested result =
            ingest(store_, *this, {document.media_type, document.digest, document.bytes.size(), std::nullopt, {}},
                   document.bytes, ingest_options);
        check_platform(result.image);
        return name(result.image.id, listed_digest);
    }

    Image look() {
        std::string listed_digest;
        const registry::Descriptor described = parse_manifest(own_manifest(listed_digest).bytes).config;
        const std::string bytes = small_blob(described);
        const ImageConfiguration found = parse_configuration(bytes);
        Image out;
        out.id = described.digest;
        out.config = found.config;
        out.platform = found.platform;
        out.created = found.created;
        out.author = found.author;
        out.history = found.history;
        return out;
    }

    std::unique_ptr<archive::ByteSource> open(const registry::Descriptor& blob, std::uint64_t offset,
                                              const std::stop_token& stop) override {
        return serving_->blob(blob, offset, stop.stop_possible() ? stop : options_.stop);
    }
    bool is_remote() const override { return true; }

private:
    // The image's own; listed_digest: of what the name stands for.
    registry::RegistryClient::Document own_manifest(std::string& listed_digest) {
        registry::RegistryClient::Document document =
            first_answer([&](registry::RegistryClient& client) { return client.manifest(reference_.selector()); });
        listed_digest = document.digest;
        if (kind_of_document(document.bytes) == DocumentKind::index) {
            index_ = document;
            document = choose(parse_index(document.bytes));
        }
        if (kind_of_document(document.bytes) == DocumentKind::index)
            document = choose(parse_index(document.bytes)); // an index in an index
        return document;
    }

    std::string small_blob(const registry::Descriptor& blob) {
        constexpr std::size_t most = std::size_t{8} << 20U;
        const auto source = open(blob, 0, options_.stop);
        std::string out;
        std::vector<char> buffer(16 * 1024);
        while (const std::size_t n = source->read(buffer.data(), buffer.size())) {
            out.append(buffer.data(), n);
            if (out.size() > most)
                throw error(Errc::failed, "the configuration of {} is larger than {} MiB", reference_.familiar(),
                            most >> 20U);
        }
        registry::verify_bytes(blob, out);
        return out;
    }

    void add_mirror(const std::string& text) {
        auto url = registry::parse_url(text);
        if (!url) throw error(Errc::usage, "the registry mirror '{}' is no URL", text);
        if (!url->path.ends_with('/')) url->path += '/';
        clients_.push_back(std::make_unique<registry::RegistryClient>(
            registry::RegistryEndpoint{url->host, *url,
                                       registry::registry_endpoint(url->host, options_.insecure_registries).insecure},
            reference_.path(), options_));
    }

    void report(PullProgress::Stage stage) const {
        if (options_.progress) options_.progress({"", stage, 0, 0});
    }

    // What is here already, found out with one HEAD request: those are not counted by Docker Hub's limit.
    std::optional<Image> up_to_date() {
        report(PullProgress::Stage::resolving);
        auto present = here(store_, reference_, options_.platform);
        if (!present || !reference_.digest().empty()) return present;
        const std::string digest =
            first_answer([&](registry::RegistryClient& client) { return client.digest_of(reference_.tag()); });
        if (digest.empty()) return std::nullopt;
        auto same = here(store_, reference_.with_digest(digest), options_.platform);
        if (!same || same->id != present->id) return std::nullopt;
        report(PullProgress::Stage::present);
        store_.looked_up(reference_);
        return present;
    }

    // Mirrors first; a mirror that fails is passed over, the registry itself has the last word.
    template <typename F>
    std::invoke_result_t<F, registry::RegistryClient&> first_answer(F&& ask) {
        for (const auto& client : clients_) {
            try {
                serving_ = client.get();
                return ask(*client);
            } catch (const Error& e) {
                if (client == clients_.back() || e.kind() == Errc::interrupted) throw;
            }
        }
        throw error(Errc::unavailable, "no registry for {}", reference_.familiar());
    }

    registry::RegistryClient::Document choose(const std::vector<registry::Descriptor>& manifests) {
        auto choice = choose_platform(manifests, wanted_);
        if (choice.empty()) {
            std::string offered;
            for (const auto& m : manifests)
                if (m.platform && m.platform->os != "unknown")
                    offered += (offered.empty() ? "" : ", ") + to_string(*m.platform);
            throw error(Errc::not_found, "no matching manifest for {} in the manifest list of {}", to_string(wanted_),
                        reference_.familiar())
                .with_hint("there are: " + offered);
        }
        return serving_->manifest(choice.front().digest);
    }

    void check_platform(const Image& image) const {
        if (distance(wanted_, image.platform) || image.platform.architecture.empty()) return;
        if (!options_.platform.empty())
            throw error(
                Errc::not_found,
                "image with reference {} was found but its platform ({}) does not match the specified platform ({})",
                reference_.familiar(), to_string(image.platform), to_string(wanted_));
        if (options_.warning)
            options_.warning(fmt::format("the platform of {} ({}) does not match this machine's ({})",
                                         reference_.familiar(), to_string(image.platform), to_string(wanted_)));
    }

    // Of an index the name stands for this image beside those that were pulled of the same one before.
    Image name(const std::string& id, const std::string& digest) {
        auto image = store_.find(id);
        if (!image) throw error(Errc::failed, "the image {} is gone from the store", id);
        Lease lease = store_.empty_lease();
        std::optional<Index> several;
        if (index_) several = store_.put_index(lease, index_->bytes, index_->media_type, {id});
        const auto give = [&](const registry::Reference& name) {
            if (several) store_.tag(*several, name);
            else store_.tag(*image, name);
        };
        give(reference_.with_digest(digest));
        if (reference_.digest().empty()) give(reference_);
        report(PullProgress::Stage::done);
        return *store_.find(id);
    }

    Store& store_;
    const registry::Reference& reference_;
    const FetchOptions& options_;
    Platform wanted_;
    std::vector<std::unique_ptr<registry::RegistryClient>> clients_; // mirrors, then the registry itself
    registry::RegistryClient* serving_ = nullptr;
    std::optional<registry::RegistryClient::Document> index_; // that listed the image
};

} // namespace

const char* stage_text(PullProgress::Stage stage) {
    using Stage = PullProgress::Stage;
    switch (stage) {
    case Stage::resolving: return "Resolving";
    case Stage::waiting: return "Pulling fs layer";
    case Stage::downloading: return "Downloading";
    case Stage::unpacking: return "Extracting";
    case Stage::present: return "Already exists";
    case Stage::done: return "Pull complete";
    case Stage::failed: return "Failed";
    }
    return "";
}

std::map<std::string, std::string> layer_attributes(const PullProgress& progress) {
    constexpr std::size_t digits = 12;
    return {{"layer", registry::hex_of(progress.layer).substr(0, digits)}, {"state", stage_text(progress.stage)}};
}

void PullTotals::add(const PullProgress& p) {
    using Stage = PullProgress::Stage;
    if (p.layer.empty()) {
        if (p.stage == Stage::resolving) text_ = "resolving";
        return;
    }
    LayerState& layer = layers_[p.layer];
    layer.total = std::max(layer.total, p.total);
    if (p.stage == Stage::downloading) layer.current = p.current;
    if (p.stage == Stage::done || p.stage == Stage::present) {
        layer.done = true;
        layer.current = layer.total;
    }
    current_ = total_ = 0;
    std::size_t done = 0;
    for (const auto& [digest, state] : layers_) {
        current_ += state.current;
        total_ += state.total;
        done += state.done ? 1 : 0;
    }
    text_ = fmt::format("{} of {} layers", done, layers_.size());
}

Image pull(Store& store, const registry::Reference& reference, const FetchOptions& options) {
    if (options.policy != PullPolicy::always) {
        if (auto present = here(store, reference, options.platform)) return std::move(*present);
        if (options.policy == PullPolicy::never)
            throw error(Errc::not_found, "No such image: {}", reference.familiar());
    }
    try {
        return in_context("pulling " + reference.familiar(), [&] { return Puller(store, reference, options).run(); });
    } catch (Error& e) {
        if (e.kind() != Errc::interrupted) hint_at_others(e, store, reference);
        throw;
    }
}

Image look_at(Store& store, const registry::Reference& reference, const FetchOptions& options) {
    return in_context("looking at " + reference.familiar(), [&] { return Puller(store, reference, options).look(); });
}

void hint_at_others(Error& error, const Store& store, const registry::Reference& reference) {
    constexpr std::size_t enough = 5;
    std::vector<std::string> here;
    for (const Image& image : store.list())
        for (const std::string& tag : image.tags) {
            const auto other = registry::Reference::try_parse(tag);
            if (other && other->domain() == reference.domain() && other->path() == reference.path())
                here.push_back(fmt::format("{}, {}", tag, to_string(image.platform)));
        }
    if (here.empty()) return;
    std::string text = error.hint() + (error.hint().empty() ? "" : "; ") + "you have ";
    for (std::size_t i = 0; i < std::min(here.size(), enough); ++i) text += (i ? "; " : "") + here[i];
    if (here.size() > enough) text += fmt::format(" and {} more", here.size() - enough);
    error.with_hint(std::move(text));
}

} // namespace davit::image
