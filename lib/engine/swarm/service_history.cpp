#include "engine/swarm/service_history.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "davit/labels.hpp"
#include "davit/stack.hpp"
#include "engine/revisions/owner.hpp"
#include "image/store.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

constexpr const char* half_done = "the command ended before all of it was done";

std::string name_of_network(const std::vector<NetworkRecord>& networks, const std::string& target) {
    for (const auto& network : networks)
        if (network.id == target) return network.name;
    return target;
}

bool of_owner(const swarm::Service& service, const std::string& owner) { return history_owner(service) == owner; }

bool same_state(const Revision& a, const Revision& b) {
    return a.model == b.model && a.images == b.images && a.contents == b.contents;
}

// Why a revision in which the service has this specification has not come about; empty: it has. is_it: the service has
// that specification still. A roll-back that somebody asked for is a revision itself.
std::string trouble_of(const swarm::Service& service, bool is_it) {
    const std::string& state = service.update_status->state;
    if (state == "rollback_paused" || (state == "paused" && is_it)) return service.update_status->message;
    return state.starts_with("rollback_") && !is_it ? "the update was rolled back" : "";
}

} // namespace

std::string history_owner(const swarm::Service& service) {
    if (service.project.starts_with(swarm::stack_project_prefix)) return service.project;
    return swarm::service_history_prefix + service.spec.name;
}

std::string image_id_of_template(const swarm::Store& objects, const swarm::Service& service) {
    const std::string file = objects.paths().prepared(service.id, service.template_version) + "/record.json";
    const auto text = read_file_if_exists(file);
    return text && !text->empty() ? container_record_from_json(*text, file).image_id : std::string();
}

void note_trouble(const Roots& roots, const RevisionStore& store, std::vector<Revision>& all) {
    if (all.empty() || !all.back().failed.empty()) return;
    Revision& last = all.back();
    if (HistoryOwner::of(last.project).kind == HistoryOwner::Kind::project) return;
    std::vector<swarm::Service> updated;
    for (auto& service : swarm::Store(roots).services())
        if (of_owner(service, last.project) && service.update_status &&
            service.update_status->started_at >= last.created) // else it is of an earlier one
            updated.push_back(std::move(service));
    if (updated.empty()) return;
    const auto whole = store.read(last.number);
    if (!whole) return;
    const auto networks = RecordStore(roots).networks();
    const SwarmModel model = swarm_model_from_json(whole->model);
    for (const auto& service : updated) {
        const auto wanted = model.services.find(service.spec.name);
        if (wanted == model.services.end()) continue;
        const auto now =
            plain_spec(service.spec, [&](const auto& target) { return name_of_network(networks, target); });
        const std::string trouble = trouble_of(service, now == wanted->second);
        if (trouble.empty()) continue;
        last.failed = service.spec.name + ": " + trouble;
        return;
    }
}

ServiceRevision::ServiceRevision(const RecordStore& records, const swarm::Store& objects, std::string owner,
                                 std::string command, Warn warn)
    : records_(records), objects_(objects), owner_(std::move(owner)), command_(std::move(command)),
      warn_(std::move(warn)), store_(records.roots(), owner_) {}

template <typename F>
void ServiceRevision::tell(F&& fn) {
    if (kept_now() == 0) return;
    try {
        fn();
    } catch (const Error& e) {
        warn_(fmt::format("the history of {} lacks this: {}", HistoryOwner::of(owner_).title(), e.what()));
    }
}

void ServiceRevision::put(const swarm::Service& service) {
    sent_[service.spec.name] = service;
    removed_.erase(service.spec.name);
}

void ServiceRevision::remove(const std::string& service) {
    sent_.erase(service);
    removed_.insert(service);
}

// Objects of the stack's own, and those of others that its services use: these by their hash alone, for their content
// is not this stack's to keep.
void ServiceRevision::add_files(swarm::FileKind kind, const std::set<std::string>& used, SwarmModel& model,
                                Revision& out, std::map<std::string, std::string>& contents) const {
    const std::string stack = HistoryOwner::of(owner_).name;
    for (const auto& file : objects_.files(kind)) {
        const auto label = file.spec.labels.find(label::stack);
        const bool own = is_stack() && label != file.spec.labels.end() && label->second == stack;
        if (!own && !used.contains(file.spec.name)) continue;
        if (own) model.files(kind)[file.spec.name] = {file.spec.labels, file.spec.template_driver, file.spec.driver};
        RevisionContent content;
        content.kind = kind == swarm::FileKind::config ? RevisionContent::Kind::config : RevisionContent::Kind::secret;
        content.key = file.spec.name;
        content.size = file.spec.data.size();
        content.hash = store_.hash(file.spec.data);
        if (own) contents[content.hash] = file.spec.data;
        out.contents.push_back(std::move(content));
    }
}

Revision ServiceRevision::now(std::map<std::string, std::string>& contents) const {
    SwarmModel model;
    std::map<std::string, swarm::Service> all;
    for (auto& service : objects_.services())
        if (of_owner(service, owner_) && !removed_.contains(service.spec.name)) all[service.spec.name] = service;
    for (const auto& [name, service] : sent_) all[name] = service;
    const auto networks = records_.networks();
    const image::Store images(records_.roots().images());
    std::set<std::string> configs, secrets;
    Revision out;
    std::map<std::string, std::string> digests;
    for (const auto& [name, service] : all) {
        const auto& container = service.spec.task.container;
        model.services[name] =
            plain_spec(service.spec, [&](const auto& target) { return name_of_network(networks, target); });
        for (const auto& use : container.configs) configs.insert(use.name);
        for (const auto& use : container.secrets) secrets.insert(use.name);
        RevisionImage image{name, container.image, image_id_of_template(objects_, service), {}};
        if (image.id.empty()) continue;
        if (digests.try_emplace(image.id).second)
            if (const auto found = images.find(image.id); found && !found->digests.empty())
                digests[image.id] = found->digests.front();
        image.digest = digests[image.id];
        out.images.push_back(std::move(image));
    }
    if (is_stack())
        for (const auto& n : networks) {
            const auto label = n.labels.find(label::stack);
            if (n.leaving || label == n.labels.end() || label->second != HistoryOwner::of(owner_).name) continue;
            SwarmNetwork& to = model.networks[n.name];
            to = {n.name, n.driver, n.driver_opts, n.labels, n.internal, n.attachable, n.enable_ipv6, {}};
            for (const auto& pool : n.ipam)
                to.pools.push_back({pool.subnet, pool.ip_range, pool.gateway, pool.aux_addresses});
        }
    add_files(swarm::FileKind::config, configs, model, out, contents);
    add_files(swarm::FileKind::secret, secrets, model, out, contents);
    out.project = owner_;
    out.created = sys::realtime_ns();
    out.command = command_;
    out.keep = kept_now();
    out.model = to_json(model);
    out.changes = change_lines(before_ ? *before_ : Revision(), out);
    return out;
}

void ServiceRevision::write(Revision&& revision, const std::map<std::string, std::string>& contents,
                            const std::string& failure) {
    const FileLock held = store_.lock();
    if (number_ == 0) {
        auto heads = store_.heads();
        if (!heads.empty() && heads.back().failed.empty()) {
            note_trouble(records_.roots(), store_, heads); // from now on nobody could tell any more
            if (!heads.back().failed.empty()) store_.fail(heads.back().number, heads.back().failed);
        }
        number_ = store_.last() + 1;
    }
    revision.number = number_;
    for (const auto& [hash, bytes] : contents) store_.keep_content(hash, bytes);
    store_.write(revision);
    if (failure.empty()) store_.unfail(number_);
    else store_.fail(number_, failure);
}

void ServiceRevision::begin(const std::vector<swarm::ServiceSpec>& intended) {
    tell([&] {
        before_ = store_.read(store_.last());
        std::map<std::string, std::string> contents;
        const auto sent = sent_;
        std::map<std::string, swarm::Service> there;
        if (!intended.empty())
            for (auto& service : objects_.services())
                if (of_owner(service, owner_)) there[service.spec.name] = std::move(service);
        for (const auto& spec : intended) { // as if they were sent
            swarm::Service& service = sent_[spec.name] = there[spec.name];
            service.spec = spec;
        }
        Revision first = now(contents);
        sent_ = sent;
        const bool same = before_ && before_->failed.empty() &&
                          (intended.empty() ? same_state(*before_, first) : before_->model == first.model);
        if (same) return; // nothing to come, it seems
        write(std::move(first), contents, half_done);
    });
}

int ServiceRevision::end(const std::string& failure) {
    tell([&] {
        std::map<std::string, std::string> contents;
        Revision last = now(contents);
        if (before_ && before_->failed.empty() && same_state(*before_, last)) return drop();
        write(std::move(last), contents, failure);
        tidy();
    });
    return number_;
}

void ServiceRevision::confirm() {
    if (number_ == 0) return;
    tell([&] {
        store_.unfail(number_);
        tidy();
    });
}

void ServiceRevision::tidy() {
    const FileLock held = store_.lock();
    const auto numbers = store_.numbers();
    for (std::size_t i = 0; i + most_revisions < numbers.size(); ++i) store_.remove(numbers[i]);
    if (numbers.size() > static_cast<std::size_t>(kept_now())) store_.collect_contents();
}

void ServiceRevision::drop() {
    if (number_ != 0) tell([&] { store_.remove(std::exchange(number_, 0)); });
}

} // namespace davit
