#include "swarm/orchestrator/change.hpp"

#include <utility>

namespace davit::swarm {
namespace {

void run_job_again(Service& service, std::int64_t now) {
    if (!service.spec.mode.job()) return;
    ++service.job_iteration;
    service.job_started_at = now;
}

} // namespace

bool same_task(const ServiceSpec& a, const ServiceSpec& b) { return a.task == b.task && a.endpoint == b.endpoint; }

void change_spec(Service& service, const ServiceSpec& spec, std::uint64_t template_version, std::int64_t now) {
    service.previous = std::exchange(service.spec, spec);
    service.previous_spec_version = service.spec_version;
    service.previous_template_version = service.template_version;
    service.spec_version = ++service.version;
    if (template_version != 0) service.template_version = template_version;
    service.updated_at = now;
    service.update_status.reset();
    run_job_again(service, now);
}

bool roll_back(Service& service, std::int64_t now) {
    if (!service.previous) return false;
    std::swap(service.spec, *service.previous);
    std::swap(service.spec_version, service.previous_spec_version);
    std::swap(service.template_version, service.previous_template_version);
    ++service.version;
    service.updated_at = now;
    service.update_status = UpdateStatus{"rollback_started", now, 0, "manually requested rollback"};
    run_job_again(service, now);
    return true;
}

bool is_rolled_back(const Service& service, const Service& seen) {
    return service.version == seen.version + 1 && service.spec_version == seen.previous_spec_version &&
           service.previous_spec_version == seen.spec_version;
}

} // namespace davit::swarm
